//! Compressed files: what they begin with, and reading on at a place in what they unpack to.
//!
//! Knows nothing of names or of what was read before. One member, as the kubelet writes; a trailer says how much it unpacks to.
//! Memory is bounded, and so is what one call unpacks.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};

use flate2::bufread::GzDecoder;
use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::identity::PREFIX_LIMIT;

/// Unpacked at a time. At least deflate's window, so that all that comes before damage is handed out.
const PIECE: usize = 64 << 10;
/// How much is skipped in one call.
const SKIP: u64 = 8 << 20;
/// The checksum and the length.
const TRAILER: usize = 8;
/// Deflate can't do better than this.
const BEST_RATIO: u64 = 1032;

/// What a compressed file says before it is unpacked.
#[derive(Debug)]
pub struct Head {
    /// The first bytes of what it unpacks to, at most [`PREFIX_LIMIT`].
    pub first: Vec<u8>,
    /// How much it unpacks to, by its trailer; `None` if that can't be.
    pub unpacked: Option<u64>,
}

impl Head {
    /// Looks at an opened file.
    ///
    /// # Errors
    /// Those of reading. Damage is no error.
    pub fn of(mut file: &File) -> io::Result<Head> {
        let size = file.metadata()?.len();
        let mut first = Vec::new();
        let unpacking = GzDecoder::new(BufReader::new(file)).take(PREFIX_LIMIT as u64).read_to_end(&mut first);
        if let Err(error) = unpacking
            && !is_damage(&error)
        {
            return Err(error);
        }
        Ok(Head { first, unpacked: length_by_trailer(&mut file, size)? })
    }
}

fn length_by_trailer(file: &mut &File, size: u64) -> io::Result<Option<u64>> {
    if size < TRAILER as u64 {
        return Ok(None);
    }
    let mut length = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    Ok((length <= size.saturating_mul(BEST_RATIO)).then_some(length))
}

/// Whether an error tells of the content rather than of the disk.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof)
}

/// What one call of [`Inflater::read`] gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes.
    Bytes(usize),
    /// The place wasn't reached yet. Call again.
    Skipped,
    /// It is read to its end, and the checksum is right.
    End,
    /// What follows can't be unpacked, or what was given doesn't have the checksum that it should have.
    Damaged,
    /// More than is allowed.
    TooLarge,
}

/// Unpacks one file.
pub struct Inflater {
    input: BufReader<File>,
    inflate: Decompress,
    crc: Crc,
    /// Unpacked and not handed out: `piece[next..filled]`.
    piece: Vec<u8>,
    next: usize,
    filled: usize,
    /// The place in the unpacked bytes that is handed out next.
    at: u64,
    limit: u64,
    ended: Option<Piece>,
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inflater").field("at", &self.at).field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Inflater {
    /// Unpacks at most `limit` bytes of an opened file.
    ///
    /// # Errors
    /// Those of reading.
    pub fn new(mut file: File, limit: u64) -> io::Result<Inflater> {
        file.rewind()?;
        let header = GzDecoder::new(BufReader::new(file));
        let ended = header.header().is_none().then_some(Piece::Damaged);
        Ok(Inflater {
            // Just behind the header.
            input: header.into_inner(),
            inflate: Decompress::new(false),
            crc: Crc::new(),
            piece: vec![0; PIECE],
            next: 0,
            filled: 0,
            at: 0,
            limit,
            ended,
        })
    }

    /// The compressed file.
    pub fn file(&self) -> &File {
        self.input.get_ref()
    }

    /// Hands out bytes from `offset` on, which may not lie before what was handed out.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<Piece> {
        let mut skipped = 0;
        while self.at < offset && skipped < SKIP {
            match self.ready()? {
                0 => return Ok(self.ended.unwrap_or(Piece::Damaged)),
                there => {
                    // It is at most `there`, so it fits.
                    let bytes = (offset - self.at).min(there as u64) as usize;
                    self.pass(bytes);
                    skipped += bytes as u64;
                }
            }
        }
        if self.at < offset {
            return Ok(Piece::Skipped);
        }
        let bytes = self.ready()?.min(buffer.len());
        if bytes == 0 {
            return Ok(self.ended.unwrap_or(Piece::Damaged));
        }
        buffer[..bytes].copy_from_slice(&self.piece[self.next..self.next + bytes]);
        self.pass(bytes);
        Ok(Piece::Bytes(bytes))
    }

    fn pass(&mut self, bytes: usize) {
        self.next += bytes;
        self.at += bytes as u64;
    }

    /// How many bytes wait to be handed out, after unpacking some if there are none. None: it ended.
    fn ready(&mut self) -> io::Result<usize> {
        while self.next == self.filled && self.ended.is_none() {
            self.unpack()?;
        }
        Ok(self.filled - self.next)
    }

    fn unpack(&mut self) -> io::Result<()> {
        if self.at >= self.limit {
            self.ended = Some(Piece::TooLarge);
            return Ok(());
        }
        let input = fill(&mut self.input)?;
        let before = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, &mut self.piece, FlushDecompress::None);
        let consumed = self.inflate.total_in() - before.0;
        let produced = self.inflate.total_out() - before.1;
        // Both are at most the length of their slice, so they fit.
        self.input.consume(consumed as usize);
        (self.next, self.filled) = (0, produced as usize);
        self.crc.update(&self.piece[..self.filled]);
        self.ended = match status {
            Ok(Status::StreamEnd) => Some(self.check_trailer()?),
            Ok(_) if consumed > 0 || produced > 0 => None,
            // Broken, or it ends in the middle.
            Ok(_) | Err(_) => Some(Piece::Damaged),
        };
        Ok(())
    }

    fn check_trailer(&mut self) -> io::Result<Piece> {
        let mut trailer = [0; TRAILER];
        match self.input.read_exact(&mut trailer) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Piece::Damaged),
            Err(error) => return Err(error),
        }
        let expected = [self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes()].concat();
        Ok(if trailer[..] == expected { Piece::End } else { Piece::Damaged })
    }
}

fn fill(input: &mut BufReader<File>) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(input.buffer())
}

#[cfg(test)]
#[path = "tests/gzip.rs"]
mod tests;
