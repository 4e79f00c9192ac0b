//! Pods that log, and a kubelet that rotates and compresses: real files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::chance::Chance;

const UID: &str = "3d0e7c52-4a2b-4f6e-9b1d-7c55aa10e9f4";

/// The pack that knows the pods' failures.
pub const PACK: &str = "
patterns:
  - id: chaos.pump.failed
    title: The pump has failed
    severity: error
    category: hardware
    match: { regex: 'the pump has failed: (?<detail>[a-z]+-\\d+/\\d+)' }
    cause: Something is stuck in it.
    fix: [Take it out.]
    references: [https://example.com/pump]
    tests: { fires: [{ log: 'the pump has failed: saw-0/1' }], silent: [{ log: 'the pump has started' }] }
";

/// One container and its log.
pub struct Pod {
    name: String,
    folder: PathBuf,
    restart: u64,
    rotations: u64,
    file: File,
    /// Half of a line that was written, and its rest.
    rest: Option<Vec<u8>>,
    /// Failures written.
    pub failures: u64,
    pub lines: u64,
}

impl Pod {
    pub fn new(pods: &Path, number: usize) -> io::Result<Pod> {
        let name = format!("saw-{number}");
        let folder = pods.join(format!("mill_{name}_{UID}/pump"));
        fs::create_dir_all(&folder)?;
        let file = append(&folder.join("0.log"))?;
        Ok(Pod { name, folder, restart: 0, rotations: 0, file, rest: None, failures: 0, lines: 0 })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn live(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.restart))
    }

    /// Writes some lines, failures among them. At times half a line, whose rest comes with the next.
    pub fn log(&mut self, chance: &mut Chance) -> io::Result<()> {
        let mut text = self.rest.take().unwrap_or_default();
        for _ in 0..=chance.below(6) {
            let failing = chance.one_in(3);
            let what = if failing {
                self.failures += 1;
                format!("the pump has failed: {}/{}", self.name, self.failures)
            } else {
                format!("all is well, {} litres", chance.below(1000))
            };
            self.lines += 1;
            let now = Timestamp::try_from(SystemTime::now()).map_err(io::Error::other)?;
            text.extend_from_slice(format!("{now} stderr F {what}\n").as_bytes());
        }
        if chance.one_in(4) {
            let cut = chance.below(text.len() as u64) as usize;
            self.rest = Some(text.split_off(cut));
        }
        self.file.write_all(&text)
    }

    fn finish_line(&mut self) -> io::Result<()> {
        match self.rest.take() {
            Some(rest) => self.file.write_all(&rest),
            None => Ok(()),
        }
    }

    /// As the kubelet does it: rename, a moment without a live file in which the runtime still writes to the old one, a new
    /// file; what was rotated before is compressed by way of a `.tmp`.
    pub fn rotate(&mut self, chance: &mut Chance) -> io::Result<()> {
        self.rotations += 1;
        let stamp = format!("20260302-{:06}", self.rotations);
        let older = self.rotated()?;
        fs::rename(self.live(), self.folder.join(format!("{}.log.{stamp}", self.restart)))?;
        std::thread::sleep(chance.wait(3));
        self.finish_line()?;
        self.file = append(&self.live())?;
        older.iter().try_for_each(|path| compress(path))
    }

    /// Rotated files that are not compressed yet.
    fn rotated(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.folder)?.collect::<Result<Vec<_>, _>>()?;
        let plain = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix != "gz" && suffix != "log");
        Ok(entries.into_iter().map(|entry| entry.path()).filter(plain).collect())
    }

    /// The container ends and is started again.
    pub fn restart(&mut self) -> io::Result<()> {
        self.finish_line()?;
        self.restart += 1;
        self.file = append(&self.live())?;
        Ok(())
    }

    /// Everything that was begun is written.
    pub fn close(&mut self) -> io::Result<()> {
        self.finish_line()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn compress(path: &Path) -> io::Result<()> {
    let tmp = PathBuf::from(format!("{}.tmp", path.display()));
    let mut encoder = GzEncoder::new(File::create(&tmp)?, flate2::Compression::fast());
    io::copy(&mut File::open(path)?, &mut encoder)?;
    encoder.finish()?;
    fs::rename(&tmp, format!("{}.gz", path.display()))?;
    fs::remove_file(path)
}

/// How long the pods' clock stands still between two rounds.
pub const ROUND: Duration = Duration::from_millis(5);
