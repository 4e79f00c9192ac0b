//! A node in miniature for the tests of `run`: pod logs, a state folder, a small pack, and the real binary following them.
//!
//! Nothing here sleeps for a fixed time: whatever is expected is waited for, and only its absence ends in a deadline.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support;

/// Far beyond what anything takes; only a failing test waits for so long.
const DEADLINE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The pod uid of every log.
pub const UID: &str = "3d0e7c52-4a2b-4f6e-9b1d-7c55aa10e9f4";

/// A plain failure, told apart by a number; and one that ends a traceback.
const PACK: &str = r#"
patterns:
  - id: test.pump.failed
    title: The pump has failed
    severity: error
    category: hardware
    match: { regex: 'the pump has failed: (?<detail>\d+)' }
    cause: Something is stuck in it.
    fix: [Take it out.]
    references: [https://example.com/pump]
    explains: [test.pump.crashed]
    tests: { fires: [{ log: 'the pump has failed: 1' }], silent: [{ log: 'the pump has started' }] }
  - id: test.pump.crashed
    title: The pump's program has crashed
    severity: fatal
    category: crash
    match: { all: ['PumpError: '] }
    cause: It met something it was not made for.
    fix: [Start it again.]
    references: [https://example.com/pump]
    tests: { fires: [{ log: 'PumpError: stuck' }], silent: [{ log: 'the pump has started' }] }
"#;

/// Waits for something to come about, and gives it.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain for {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The folders and files of one test.
pub struct Site {
    folder: TempDir,
}

impl Site {
    /// An empty one.
    pub fn new() -> Site {
        let site = Site { folder: TempDir::new().unwrap() };
        fs::create_dir(site.path("pods")).unwrap();
        fs::write(site.path("pack.yaml"), PACK).unwrap();
        site.configure(&format!("export: {{ jsonl: {{ path: {} }} }}\n", site.path("events.jsonl").display()));
        site
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces the configuration, which otherwise exports JSON lines. Every occurrence is an event, and nothing is served, unless it says so.
    pub fn configure(&self, text: &str) {
        let mut text = text.trim_start_matches("{}").to_owned();
        for (key, value) in [("repeats:", "{ window: 0s }"), ("admin:", "{ listen: null }")] {
            if !text.contains(key) {
                text += &format!("\n{key} {value}\n");
            }
        }
        fs::write(self.path("config.yaml"), text).unwrap();
    }

    /// Where a container's log is.
    pub fn log(&self, pod: &str, restart: u32) -> PathBuf {
        self.path(&format!("pods/mill_{pod}_{UID}/pump/{restart}.log"))
    }

    /// The binary with the test's pack alone, and reading from `beginning` or `end` of what is there.
    pub fn command(&self, read_from: &str) -> Command {
        let mut command = self.builtin_command(read_from);
        command.arg("--patterns").arg(self.path("pack.yaml")).arg("--no-builtin-patterns");
        command
    }

    /// The same with the built-in patterns. Nothing of the environment reaches it.
    pub fn builtin_command(&self, read_from: &str) -> Command {
        let mut command = support::faultscope();
        command.env_clear().arg("run").arg("--config").arg(self.path("config.yaml"));
        command.arg("--state-dir").arg(self.path("state")).arg("--include").arg(self.path("pods/*/*/*.log"));
        command.arg("--read-from").arg(read_from);
        command
    }

    /// Starts it, to read everything.
    pub fn start(&self) -> Agent {
        self.start_as(self.command("beginning"))
    }

    /// Starts this command, standard output and error into files of the site.
    pub fn start_as(&self, mut command: Command) -> Agent {
        command.stdout(File::create(self.path("stdout.txt")).unwrap());
        self.spawn(command)
    }

    /// Starts this command with its standard output as it is.
    pub fn spawn(&self, mut command: Command) -> Agent {
        let stderr = self.path("stderr.txt");
        command.stderr(File::create(&stderr).unwrap());
        Agent { child: command.spawn().unwrap(), stderr }
    }

    /// The events that were written so far, but for one that is just being written and those that a kill cut off.
    pub fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("events.jsonl")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let read = |line: &str| match serde_json::from_str(line) {
            Err(error) if error.is_eof() => None,
            result => Some(result.unwrap_or_else(|error| panic!("{error}: {line}"))),
        };
        whole.lines().filter_map(read).collect()
    }

    /// Waits until there are so many events.
    pub fn wait_for(&self, count: usize) -> Vec<Value> {
        wait(&format!("{count} events"), || Some(self.events()).filter(|events| events.len() >= count))
    }
}

/// The running binary. It dies with the test.
pub struct Agent {
    child: Child,
    stderr: PathBuf,
}

impl Agent {
    /// Its own log.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// Its standard output, if that is a pipe.
    pub fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// Sends a signal, by name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg("-s").arg(name).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success(), "can't send SIG{name}: {}", self.stderr());
    }

    /// Waits for its end.
    pub fn end(&mut self) -> ExitStatus {
        wait("the end of the process", || self.child.try_wait().unwrap())
    }

    /// Asks it to stop, and insists that it does so in good order.
    pub fn stop(mut self) {
        self.signal("TERM");
        let status = self.end();
        assert!(status.success(), "{status}: {}", self.stderr());
    }

    /// Gives it no chance.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("faultscope said:\n{}", fs::read_to_string(&self.stderr).unwrap_or_default());
        }
        // Fails if it has ended, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A log as the container runtime writes it.
pub struct Log {
    file: File,
    second: u32,
}

impl Log {
    /// Opens it for appending; makes it, and its folders, if it isn't there.
    pub fn open(path: &Path) -> Log {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        Log { file: OpenOptions::new().create(true).append(true).open(path).unwrap(), second: 0 }
    }

    /// Appends lines in one write, each with a time of its own.
    pub fn write(&mut self, lines: &[&str]) {
        let mut text = String::new();
        for line in lines {
            text += &format!("{} stderr F {line}\n", self.next_time());
        }
        self.file.write_all(text.as_bytes()).unwrap();
    }

    /// Appends a failure with this number.
    pub fn fail(&mut self, number: usize) {
        self.write(&[&failure(number)]);
    }

    /// Cuts it off at its beginning, as `copytruncate` does.
    pub fn truncate(&mut self) {
        self.file.set_len(0).unwrap();
    }

    fn next_time(&mut self) -> String {
        self.second += 1;
        let (minute, second) = (self.second / 60 % 60, self.second % 60);
        format!("2026-01-05T{:02}:{minute:02}:{second:02}.5Z", self.second / 3600)
    }
}

/// A line with a failure.
pub fn failure(number: usize) -> String {
    format!("the pump has failed: {number}")
}

/// The number of an event's failure.
pub fn number(event: &Value) -> usize {
    event["attributes"]["faultscope.detail"].as_str().unwrap().parse().unwrap()
}

/// The failures' numbers, in the order of the events.
pub fn numbers(events: &[Value]) -> Vec<usize> {
    events.iter().map(number).collect()
}
