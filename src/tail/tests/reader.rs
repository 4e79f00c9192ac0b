//! The reader that the tests read with.

use super::*;

#[derive(Debug)]
pub struct Stream {
    pub path: PathBuf,
    pub start: Mark,
    pub text: String,
    pub ended: bool,
    pub truncated: usize,
}

/// A reader of logs such as the agent is: reads what is ready and acknowledges every whole line at once, unless told not to.
pub struct Reader {
    pub folder: TempDir,
    pub config: Config,
    pub tailer: Tailer,
    pub streams: BTreeMap<FileId, Stream>,
    pub buffer: usize,
    pub acknowledge: bool,
    /// How far the time that is passed in has gone ahead of the real one.
    pub ahead: Duration,
}

impl Reader {
    pub fn new(set: impl FnOnce(&mut Config)) -> Reader {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().canonicalize().unwrap().join("logs");
        fs::create_dir(&logs).unwrap();
        let mut config = Config {
            include: vec![logs.join("*/*.log").display().to_string()],
            read_from: ReadFrom::Beginning,
            rescan: Duration::from_secs(3600),
            ..Config::default()
        };
        set(&mut config);
        let tailer = start(&config, folder.path());
        Reader {
            folder,
            config,
            tailer,
            streams: BTreeMap::new(),
            buffer: 64,
            acknowledge: true,
            ahead: Duration::ZERO,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("logs").join(name)
    }

    pub fn append(&self, name: &str, text: &str) {
        append(&self.path(name), text);
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Stops without a word, as a crash does, and starts again.
    pub fn restart(&mut self) {
        // Two can't have the same state folder, so the old one goes first.
        self.tailer = start(&self.config, &self.folder.path().join("between"));
        self.tailer = start(&self.config, self.folder.path());
        self.streams.clear();
    }

    pub fn checkpoint(&mut self) {
        self.tailer.checkpoint(NOW).unwrap();
    }

    /// Walks and reads until nothing is ready any more.
    pub fn read_all(&mut self) {
        self.tailer.next_scan = Instant::now();
        for _ in 0..10_000 {
            self.tailer.sweep(Instant::now() + self.ahead);
            let ready = self.tailer.ready();
            if ready.is_empty() {
                return;
            }
            self.read(ready);
        }
        panic!("always something ready: {:?}", self.streams);
    }

    /// The same, when every grace is over.
    pub fn read_later(&mut self) {
        self.read_all();
        self.ahead += LATER;
        self.read_all();
    }

    /// Waits for hints and reads until it is as it should be.
    pub fn read_until(&mut self, enough: impl Fn(&Reader) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !enough(self) {
            assert!(Instant::now() < deadline, "{:?} {:?}", self.streams, self.tailer.stats());
            let ready = self.tailer.poll(Duration::from_secs(1));
            self.read(ready);
        }
    }

    pub fn read(&mut self, ready: Vec<Ready>) {
        for ready in ready {
            if ready.new {
                let start = Mark { offset: ready.offset, line: ready.line };
                let stream = Stream { path: ready.path, start, text: String::new(), ended: false, truncated: 0 };
                assert!(self.streams.insert(ready.id, stream).is_none(), "announced twice");
            }
            let mut buffer = vec![0; self.buffer];
            let Ok(read) = self.tailer.read(ready.id, &mut buffer) else {
                continue;
            };
            let stream = self.streams.get_mut(&ready.id).expect("announced before");
            assert!(!stream.ended, "handed out after its end");
            if read.truncated {
                *stream = Stream {
                    start: Mark::BEGINNING,
                    text: String::new(),
                    truncated: stream.truncated + 1,
                    path: stream.path.clone(),
                    ended: false,
                };
            }
            assert_eq!(read.offset, stream.start.offset + stream.text.len() as u64);
            stream.text.push_str(std::str::from_utf8(&buffer[..read.bytes]).unwrap());
            stream.ended = read.ended;
            let whole = if read.ended { stream.text.len() } else { stream.text.rfind('\n').map_or(0, |at| at + 1) };
            let lines = stream.text[..whole].matches('\n').count() as u64;
            let low = Mark { offset: stream.start.offset + whole as u64, line: stream.start.line + lines };
            if self.acknowledge {
                self.tailer.ledger().settle(ready.id, low);
            }
        }
    }

    /// What was read of every stream, in the order in which files were taken up.
    pub fn texts(&self) -> Vec<(String, &str)> {
        let name = |stream: &Stream| stream.path.file_name().unwrap().to_string_lossy().into_owned();
        self.streams.values().map(|stream| (name(stream), stream.text.as_str())).collect()
    }

    pub fn text_is(&self, name: &str, text: &str) -> bool {
        self.texts().contains(&(name.to_string(), text))
    }
}

pub fn start(config: &Config, folder: &Path) -> Tailer {
    let checkpoints = Checkpoints::open(&folder.join("state")).unwrap();
    Tailer::new(config.clone(), checkpoints).unwrap()
}

pub fn append(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

pub fn pairs<'a>(expected: &[(&str, &'a str)]) -> Vec<(String, &'a str)> {
    expected.iter().map(|(name, text)| (name.to_string(), *text)).collect()
}
