//! What containers, runtime and kubelet do to log files, and the memory of every byte written.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// One content that a file had: what was written between its making, or a truncation, and its end.
pub struct Content {
    live: PathBuf,
    container: usize,
    /// Where it is, if it still is anywhere: plain or compressed.
    at: Option<PathBuf>,
    identity: Identity,
    bytes: Vec<u8>,
    /// The run, from 1 on, in which each byte was acknowledged last.
    arrived: Vec<u32>,
    /// Bytes before this lie before a checkpoint.
    sealed: usize,
    /// Bytes that didn't arrive before it was destroyed needn't arrive.
    excused: bool,
}

struct Container {
    pod: usize,
    restart: usize,
    writer: File,
    /// What the writer writes to.
    content: usize,
    /// The other half of a line.
    rest: String,
    /// Rotated contents, the oldest first.
    rotated: Vec<usize>,
    /// A plain file that stands beside its compressed form.
    leftover: Option<PathBuf>,
}

pub struct Node {
    logs: PathBuf,
    contents: Vec<Content>,
    containers: Vec<Container>,
    lines: usize,
    rotations: usize,
    pods: usize,
    destroyed: bool,
}

impl Node {
    pub fn new(folder: &Path) -> Node {
        let logs = folder.canonicalize().unwrap().join("logs");
        let mut node = Node {
            logs,
            contents: Vec::new(),
            containers: Vec::new(),
            lines: 0,
            rotations: 0,
            pods: 0,
            destroyed: false,
        };
        for container in 0..CONTAINERS {
            let made = node.start(container);
            node.containers.push(made);
        }
        node
    }

    /// A container of a new pod.
    fn start(&mut self, container: usize) -> Container {
        self.pods += 1;
        let (writer, content) = self.make(container, &self.live(self.pods, 0));
        Container {
            pod: self.pods,
            restart: 0,
            writer,
            content,
            rest: String::new(),
            rotated: Vec::new(),
            leftover: None,
        }
    }

    fn live(&self, pod: usize, restart: usize) -> PathBuf {
        self.logs.join(format!("ns_pod_{pod}/app/{restart}.log"))
    }

    fn make(&mut self, container: usize, live: &Path) -> (File, usize) {
        fs::create_dir_all(live.parent().unwrap()).unwrap();
        let writer = OpenOptions::new().create_new(true).append(true).open(live).unwrap();
        let metadata = writer.metadata().unwrap();
        let identity = Identity { dev: metadata.dev(), inode: metadata.ino() };
        (writer, self.remember(container, live, identity))
    }

    fn remember(&mut self, container: usize, live: &Path, identity: Identity) -> usize {
        self.contents.push(Content {
            live: live.to_path_buf(),
            container,
            at: Some(live.to_path_buf()),
            identity,
            bytes: Vec::new(),
            arrived: Vec::new(),
            sealed: 0,
            excused: false,
        });
        self.contents.len() - 1
    }

    fn append(&mut self, container: usize, text: &str) {
        let own = &mut self.containers[container];
        own.writer.write_all(text.as_bytes()).unwrap();
        let content = &mut self.contents[own.content];
        content.bytes.extend(text.bytes());
        content.arrived.resize(content.bytes.len(), 0);
    }

    /// The two halves of a line, neither of which stands in any other.
    fn line(&mut self, length: usize) -> [String; 2] {
        self.lines += 1;
        let number = self.lines;
        let padding = "x".repeat(length);
        [format!("2026-02-03T04:05:06.{number:09}Z stdout F"), format!(" {padding} line {number} ends\n")]
    }

    pub fn write(&mut self, container: usize, lines: usize, length: usize) {
        let mut text = std::mem::take(&mut self.containers[container].rest);
        for _ in 0..lines {
            text.push_str(&self.line(length).concat());
        }
        self.append(container, &text);
    }

    pub fn write_half(&mut self, container: usize) {
        let rest = std::mem::take(&mut self.containers[container].rest);
        let [first, second] = self.line(10);
        self.append(container, &(rest + &first));
        self.containers[container].rest = second;
    }

    fn is_live(&self, container: usize) -> bool {
        let content = &self.contents[self.containers[container].content];
        content.at.as_ref() == Some(&content.live)
    }

    pub fn rename(&mut self, container: usize) {
        if !self.is_live(container) {
            return;
        }
        self.rotations += 1;
        let content = self.containers[container].content;
        let live = &self.contents[content].live;
        let rotated = PathBuf::from(format!("{}.20260203-{:06}", live.display(), self.rotations));
        fs::rename(live, &rotated).unwrap();
        self.contents[content].at = Some(rotated);
        self.containers[container].rotated.push(content);
    }

    pub fn rename_back(&mut self, container: usize) {
        let content = self.containers[container].content;
        if self.containers[container].rotated.pop_if(|last| *last == content).is_some() {
            let Content { live, at, .. } = &mut self.contents[content];
            fs::rename(at.replace(live.clone()).unwrap(), live).unwrap();
        }
    }

    pub fn reopen(&mut self, container: usize) {
        if !self.is_live(container) {
            let own = &self.containers[container];
            let live = self.live(own.pod, own.restart);
            let (writer, content) = self.make(container, &live);
            let own = &mut self.containers[container];
            (own.writer, own.content) = (writer, content);
        }
    }

    /// What the kubelet does, in its order: compress beside, rename, remove.
    pub fn compress(&mut self, container: usize, caught: bool) {
        self.remove_leftover(container);
        let own = &self.containers[container];
        let older = own.rotated[..own.rotated.len().saturating_sub(1)].to_vec();
        for content in older {
            let plain = self.contents[content].at.clone().unwrap();
            if plain.extension().unwrap() == "gz" {
                continue;
            }
            self.remove_leftover(container);
            let named = |suffix: &str| PathBuf::from(format!("{}{suffix}", plain.display()));
            let mut encoder = GzEncoder::new(File::create(named(".tmp")).unwrap(), Compression::fast());
            encoder.write_all(&fs::read(&plain).unwrap()).unwrap();
            encoder.finish().unwrap();
            fs::rename(named(".tmp"), named(".gz")).unwrap();
            self.contents[content].at = Some(named(".gz"));
            self.containers[container].leftover = Some(plain);
        }
        if !caught {
            self.remove_leftover(container);
        }
    }

    fn remove_leftover(&mut self, container: usize) {
        if let Some(plain) = self.containers[container].leftover.take() {
            fs::remove_file(plain).unwrap();
        }
    }

    /// Its bytes are gone, but for a reader that has it open.
    fn destroy(&mut self, content: usize, reading: &Reading) {
        self.destroyed = true;
        let content = &mut self.contents[content];
        let path = content.at.take();
        let packed = path.is_some_and(|path| path.extension().unwrap() == "gz");
        content.excused |= packed || !reading.drains(&content.live, content.identity);
    }

    pub fn drop_oldest(&mut self, container: usize, reading: &Reading) {
        self.remove_leftover(container);
        let own = &mut self.containers[container];
        let writes_to = own.content;
        if own.rotated.first().is_some_and(|oldest| *oldest != writes_to) {
            let oldest = own.rotated.remove(0);
            fs::remove_file(self.contents[oldest].at.as_ref().unwrap()).unwrap();
            self.destroy(oldest, reading);
        }
    }

    pub fn truncate(&mut self, container: usize) {
        if !self.is_live(container) {
            return;
        }
        self.destroyed = true;
        let own = &mut self.containers[container];
        own.writer.set_len(0).unwrap();
        let old = own.content;
        let (live, identity) = (self.contents[old].live.clone(), self.contents[old].identity);
        (self.contents[old].at, self.contents[old].excused) = (None, true);
        self.containers[container].content = self.remember(container, &live, identity);
    }

    pub fn recreate(&mut self, container: usize, reading: &Reading) {
        if !self.is_live(container) {
            return;
        }
        let old = self.containers[container].content;
        let (live, identity) = (self.contents[old].live.clone(), self.contents[old].identity);
        self.destroy(old, reading);
        fs::remove_file(&live).unwrap();
        // The writer's own descriptor would keep the inode.
        self.containers[container].writer = File::open("/dev/null").unwrap();
        let folder = live.parent().unwrap().to_path_buf();
        let mut others = Vec::new();
        for number in 0..20 {
            let trial = folder.join(format!("trial-{number}"));
            let inode = File::create(&trial).unwrap().metadata().unwrap().ino();
            others.push(trial);
            if inode == identity.inode {
                break;
            }
        }
        fs::rename(others.pop().unwrap(), &live).unwrap();
        others.iter().for_each(|other| fs::remove_file(other).unwrap());
        let writer = OpenOptions::new().append(true).open(&live).unwrap();
        let metadata = writer.metadata().unwrap();
        let identity = Identity { dev: metadata.dev(), inode: metadata.ino() };
        self.containers[container].writer = writer;
        self.containers[container].content = self.remember(container, &live, identity);
    }

    pub fn restart(&mut self, container: usize) {
        self.remove_leftover(container);
        self.write(container, 0, 0);
        let own = &mut self.containers[container];
        own.restart += 1;
        // The kubelet rotates running containers only.
        own.rotated.clear();
        let live = self.live(self.containers[container].pod, self.containers[container].restart);
        let (writer, content) = self.make(container, &live);
        let own = &mut self.containers[container];
        (own.writer, own.content) = (writer, content);
    }

    pub fn delete_pod(&mut self, container: usize, reading: &Reading) {
        let folder = self.live(self.containers[container].pod, 0).ancestors().nth(2).unwrap().to_path_buf();
        fs::remove_dir_all(&folder).unwrap();
        let gone = |content: &Content| content.at.as_ref().is_some_and(|at| at.starts_with(&folder));
        let gone: Vec<usize> = (0..self.contents.len()).filter(|&content| gone(&self.contents[content])).collect();
        gone.into_iter().for_each(|content| self.destroy(content, reading));
        self.containers[container] = self.start(container);
    }

    /// All rotations and all lines come to their end.
    pub fn settle(&mut self) {
        for container in 0..CONTAINERS {
            self.write(container, 0, 0);
            self.reopen(container);
            self.remove_leftover(container);
        }
    }

    pub fn destroyed(&self) -> bool {
        self.destroyed
    }

    /// Which content these bytes were written to, at this place of the file.
    pub fn find(&self, live: &Path, offset: u64, bytes: &[u8]) -> usize {
        let place = offset as usize..offset as usize + bytes.len();
        let same = |content: &&Content| content.live == live && content.bytes.get(place.clone()) == Some(bytes);
        let mut found = self.contents.iter().enumerate().filter(|(_, content)| same(content));
        let (content, _) = found.next().unwrap_or_else(|| {
            panic!("never written to {} at {offset}: {}", live.display(), String::from_utf8_lossy(bytes))
        });
        assert!(found.next().is_none(), "the test should write unmistakable lines");
        content
    }

    pub fn container_of(&self, content: usize) -> usize {
        self.contents[content].container
    }

    /// Bytes were acknowledged in a run.
    pub fn arrive(&mut self, content: usize, place: std::ops::Range<usize>, run: u32) {
        let content = &mut self.contents[content];
        for byte in place {
            assert_ne!(content.arrived[byte], run, "byte {byte} of {} came twice", content.live.display());
            let again = byte < content.sealed && content.arrived[byte] > 0;
            assert!(!again, "byte {byte} of {} came again after a checkpoint", content.live.display());
            content.arrived[byte] = run;
        }
    }

    /// A checkpoint says that the bytes before `end` are done.
    pub fn seal(&mut self, content: usize, end: usize) {
        let content = &mut self.contents[content];
        content.sealed = content.sealed.max(end);
        let missing = content.arrived[..end].iter().position(|run| *run == 0);
        assert!(
            content.excused || missing.is_none(),
            "a checkpoint passed byte {missing:?} of {}",
            content.live.display()
        );
    }

    /// What is destroyed and didn't arrive in time is not to be had by the next run.
    pub fn forget(&mut self) {
        for content in self.contents.iter_mut().filter(|content| content.at.is_none()) {
            content.excused = true;
        }
    }

    pub fn all_arrived(&self) {
        for content in self.contents.iter().filter(|content| !content.excused) {
            if let Some(byte) = content.arrived.iter().position(|run| *run == 0) {
                let (live, at, size) = (content.live.display(), &content.at, content.bytes.len());
                panic!("byte {byte} of {size} of {live} (now {at:?}) never arrived");
            }
        }
    }
}
