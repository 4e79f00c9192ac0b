//! One log line's envelope: CRI, docker json-file, or none.
//!
//! Holds the decoding of a line into its content and what the envelope says of it, and of a log file's path into the
//! container whose log it is. Knows no patterns, no IO and no clock.

mod cri;
mod docker;
pub mod path;
pub(crate) mod time;

use std::borrow::Cow;

use jiff::Timestamp;

/// Bytes that stand in the envelope of every CRI fragment: a raw block without them has no line to join.
///
/// They may stand in a log's content too, so a hit is a candidate and [`decode`] has the say.
pub const CRI_PARTIAL_MARKS: [&[u8]; 2] = [b" stdout P", b" stderr P"];

/// Which envelope to expect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// Each line for itself: CRI or docker json-file where it is one, else text.
    #[default]
    Auto,
    /// CRI, as in `/var/log/pods`.
    Cri,
    /// docker json-file.
    Docker,
    /// No envelope.
    Text,
}

/// The standard stream that a line was printed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }

    fn from_name(name: &[u8]) -> Option<Stream> {
        match name {
            b"stdout" => Some(Stream::Stdout),
            b"stderr" => Some(Stream::Stderr),
            _ => None,
        }
    }
}

/// The envelope that a line turned out to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// CRI.
    Cri,
    /// docker json-file.
    Docker,
    /// None: the line is the content.
    Text,
}

/// A line without its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When the runtime read the line; `None` for text.
    pub time: Option<Timestamp>,
    /// The stream it was printed on, where the envelope says so.
    pub stream: Option<Stream>,
    /// A fragment: the rest of the line is in the next frame of the same file and stream.
    pub partial: bool,
    /// What the program printed, without the line's end. Any bytes: a fragment may end within a character.
    pub content: Cow<'a, [u8]>,
    /// The envelope.
    pub kind: FrameKind,
}

/// Takes a line out of its envelope.
///
/// `line` has no trailing `\n`. A line that isn't in the expected format is text, so none is ever lost.
pub fn decode(line: &[u8], format: Format) -> Frame<'_> {
    let framed = match (format, line.first()) {
        (Format::Auto | Format::Cri, Some(b'0'..=b'9')) => cri::decode(line),
        (Format::Auto | Format::Docker, Some(b'{')) => docker::decode(line),
        _ => None,
    };
    framed.unwrap_or_else(|| Frame {
        time: None,
        stream: None,
        partial: false,
        content: Cow::Borrowed(without_return(line)),
        kind: FrameKind::Text,
    })
}

/// Could [`decode`] find a fragment in the line that isn't marked as one ([`CRI_PARTIAL_MARKS`])? Says so of some that are none.
pub fn may_be_unmarked_fragment(line: &[u8], format: Format) -> bool {
    matches!(format, Format::Auto | Format::Docker) && line.first() == Some(&b'{') && !docker::is_whole(line)
}

/// The stream that [`decode`] would give a line, where that is told at once by a line near it, `known`, that turned out to be CRI. `None` says
/// nothing.
pub fn stream_beside(known: &[u8], line: &[u8]) -> Option<Stream> {
    cri::stream_beside(known, line)
}

/// Takes one `\r` off the end: what a `\r\n` leaves behind.
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests;
