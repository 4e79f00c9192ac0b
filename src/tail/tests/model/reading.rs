//! The agent's side: reads what is ready, sends lines, takes acknowledgements, checkpoints and crashes.

use proptest::sample::Index;

use super::*;

/// A line on its way.
struct Sent {
    unit: UnitId,
    content: usize,
    offset: u64,
    length: usize,
}

struct Stream {
    live: PathBuf,
    /// Bytes of a line that isn't complete.
    open: Vec<u8>,
    /// Where they begin.
    at: Mark,
    content: Option<usize>,
    ended: bool,
}

pub struct Reading {
    folder: PathBuf,
    config: Config,
    tailer: Tailer,
    streams: BTreeMap<FileId, Stream>,
    sent: Vec<Sent>,
    paused: bool,
    buffer: usize,
    hints: bool,
    ahead: Duration,
    run: u32,
    /// In this run, until something is done to the files: the youngest content read of each container.
    order: Option<HashMap<usize, usize>>,
    lost: Loss,
}

impl Reading {
    pub fn new(folder: &Path, max_open_files: usize, buffer: usize, hints: bool) -> Reading {
        let logs = folder.canonicalize().unwrap().join("logs");
        let config = Config {
            include: vec![logs.join("*/*/*.log").display().to_string()],
            read_from: ReadFrom::Beginning,
            max_open_files,
            ..Config::default()
        };
        Reading {
            tailer: begin(&config, folder, hints),
            folder: folder.to_path_buf(),
            config,
            streams: BTreeMap::new(),
            sent: Vec::new(),
            paused: false,
            buffer,
            hints,
            ahead: Duration::ZERO,
            run: 1,
            order: None,
            lost: Loss::default(),
        }
    }

    pub fn stats(&self) -> Stats {
        self.tailer.stats()
    }

    /// Over all runs.
    pub fn lost(&self) -> Loss {
        let mut lost = self.lost;
        lost += self.tailer.stats().lost.total();
        lost
    }

    /// Whether a file that is deleted now will be read to its end all the same: it is open, and there is no need to give it up.
    pub fn drains(&self, live: &Path, identity: Identity) -> bool {
        let plenty = self.config.max_open_files > 10;
        let this = |file: &Followed| file.live == live && file.identity == identity && file.is_open() && !file.ended;
        plenty && self.tailer.files.values().any(this)
    }

    pub fn read(&mut self, node: &mut Node, rounds: usize, walk: bool, later: bool) {
        if later {
            self.ahead += LATER;
        }
        for round in 0..rounds {
            self.round(node, walk && round == 0);
        }
        self.order = None;
    }

    /// Until nothing is left, with all graces over.
    pub fn read_all(&mut self, node: &mut Node) {
        for _ in 0..3 {
            while self.round(node, true) {}
            self.order = None;
            self.ahead += LATER;
        }
    }

    /// Whether anything was ready.
    fn round(&mut self, node: &mut Node, walk: bool) -> bool {
        let now = Instant::now() + self.ahead;
        if walk {
            (self.tailer.next_scan, self.tailer.next_look) = (now, now);
        }
        self.tailer.sweep(now);
        let ready = self.tailer.ready();
        let any = !ready.is_empty();
        for ready in ready {
            self.turn(node, ready);
        }
        assert!(self.tailer.stats().files_open <= self.config.max_open_files);
        any
    }

    fn turn(&mut self, node: &mut Node, ready: Ready) {
        let start = Mark { offset: ready.offset, line: ready.line };
        if ready.new {
            let stream = Stream { live: ready.path, open: Vec::new(), at: start, content: None, ended: false };
            assert!(self.streams.insert(ready.id, stream).is_none(), "announced twice");
        }
        let mut buffer = vec![0; self.buffer];
        let Ok(read) = self.tailer.read(ready.id, &mut buffer) else {
            return;
        };
        let stream = self.streams.get_mut(&ready.id).expect("announced before");
        assert!(!stream.ended, "handed out after its end");
        if read.truncated {
            let rest = std::mem::take(&mut stream.open);
            let offset = std::mem::replace(&mut stream.at, Mark::BEGINNING).offset;
            self.send(node, ready.id, offset, Mark::BEGINNING, rest);
            return;
        }
        assert_eq!(read.offset, stream.at.offset + stream.open.len() as u64, "a gap");
        stream.open.extend(&buffer[..read.bytes]);
        stream.ended = read.ended;
        loop {
            let stream = self.streams.get_mut(&ready.id).expect("announced before");
            let end = memchr::memchr(b'\n', &stream.open).map(|at| at + 1);
            let Some(end) = end.or((stream.ended && !stream.open.is_empty()).then_some(stream.open.len())) else {
                break;
            };
            let line: Vec<u8> = stream.open.drain(..end).collect();
            let start = stream.at;
            stream.at = Mark { offset: start.offset + end as u64, line: start.line + 1 };
            let settled = stream.at;
            self.send(node, ready.id, start.offset, start, line);
            self.tailer.ledger().settle(ready.id, settled);
        }
        if !self.paused {
            self.acknowledge_all(node);
        }
    }

    fn send(&mut self, node: &mut Node, id: FileId, offset: u64, mark: Mark, bytes: Vec<u8>) {
        let Some(stream) = self.streams.get_mut(&id).filter(|_| !bytes.is_empty()) else {
            return;
        };
        let content = node.find(&stream.live, offset, &bytes);
        stream.content = Some(content);
        if let Some(order) = &mut self.order {
            let youngest = order.entry(node.container_of(content)).or_insert(content);
            assert!(content >= *youngest, "an older file after a younger one");
            *youngest = content;
        }
        let unit = self.tailer.ledger().sent(id, mark);
        self.sent.push(Sent { unit, content, offset, length: bytes.len() });
    }

    fn acknowledge_all(&mut self, node: &mut Node) {
        for sent in std::mem::take(&mut self.sent) {
            self.acknowledge(node, sent);
        }
    }

    fn acknowledge(&mut self, node: &mut Node, sent: Sent) {
        self.tailer.ledger().done(sent.unit);
        let start = sent.offset as usize;
        node.arrive(sent.content, start..start + sent.length, self.run);
    }

    pub fn acknowledge_one(&mut self, node: &mut Node, index: Index) {
        if !self.sent.is_empty() {
            let sent = self.sent.swap_remove(index.index(self.sent.len()));
            self.acknowledge(node, sent);
        }
    }

    pub fn pause(&mut self, node: &mut Node, paused: bool) {
        self.paused = paused;
        if !paused {
            self.acknowledge_all(node);
        }
    }

    pub fn checkpoint(&mut self, node: &mut Node) {
        let mut done = Vec::new();
        for (id, stream) in &self.streams {
            let Some(content) = stream.content else {
                continue;
            };
            let on_the_way = self.sent.iter().filter(|sent| sent.unit.file() == *id && sent.content == content);
            let expected = on_the_way.map(|sent| sent.offset).fold(stream.at.offset, u64::min);
            match self.tailer.ledger.watermark(*id) {
                // What was sent just before a truncation holds the new content at its beginning.
                Some(watermark) if self.sent.iter().any(|sent| sent.unit.file() == *id && sent.content != content) => {
                    assert!(watermark.offset <= expected);
                }
                Some(watermark) => assert_eq!(watermark.offset, expected),
                None => assert!(stream.ended && expected == stream.at.offset, "let go of too early"),
            }
            let watermark = self.tailer.ledger.watermark(*id).map_or(expected, |mark| mark.offset);
            done.push((content, watermark as usize));
        }
        self.tailer.checkpoint(NOW).unwrap();
        done.into_iter().for_each(|(content, end)| node.seal(content, end));
    }

    pub fn crash(&mut self, node: &mut Node) {
        self.lost = self.lost();
        // Two can't have the same state folder, so the old one goes first.
        self.tailer = begin(&self.config, &self.folder.join("between"), false);
        self.tailer = begin(&self.config, &self.folder, self.hints);
        self.streams.clear();
        self.sent.clear();
        self.paused = false;
        self.run += 1;
        self.order = Some(HashMap::new());
        node.forget();
    }
}

fn begin(config: &Config, folder: &Path, hints: bool) -> Tailer {
    let mut tailer = start(config, folder);
    if hints {
        return tailer;
    }
    tailer.watch = Watch::with(|| Err(io::Error::from_raw_os_error(libc::EMFILE)));
    tailer
}
