//! The real binary: started, killed, stopped, looked at.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A running agent, shared with the collector, which may kill it in the middle of an answer.
#[derive(Clone)]
pub struct Agent {
    child: Arc<Mutex<Option<Child>>>,
    home: PathBuf,
    /// More words for its command line.
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
}

impl Agent {
    pub fn new(home: &Path) -> Agent {
        Agent { child: Arc::default(), home: home.to_owned(), arguments: Vec::new(), environment: Vec::new() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<Child>) -> T) -> T {
        act(&mut self.child.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn start(&self, protocol: &str) -> io::Result<()> {
        let log = File::options().create(true).append(true).open(self.home.join("agent.log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_faultscope"));
        command.env_clear().envs(self.environment.iter().cloned());
        command.arg("run").arg("--config").arg(self.home.join("config.yaml")).args(["--otlp-protocol", protocol]);
        let child = command.args(&self.arguments).stderr(log).spawn()?;
        self.with(|slot| *slot = Some(child));
        Ok(())
    }

    /// SIGKILL. Whether there was one to kill.
    pub fn kill(&self) -> bool {
        self.with(|slot| {
            let Some(mut child) = slot.take() else { return false };
            let killed = child.kill().is_ok();
            // Reaped, so that its lock on the state folder is gone.
            killed && child.wait().is_ok()
        })
    }

    pub fn runs(&self) -> bool {
        self.with(|slot| slot.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_none())))
    }

    pub fn pid(&self) -> Option<u32> {
        self.with(|slot| slot.as_ref().map(Child::id))
    }

    /// SIGTERM, and a wait for its end in good order.
    pub fn stop(&self) -> Result<(), String> {
        let Some(pid) = self.pid() else { return Err("the agent is not there any more".into()) };
        let sent = Command::new("kill").arg(pid.to_string()).status();
        if !sent.is_ok_and(|status| status.success()) {
            return Err("can't signal the agent".into());
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.runs() {
            if Instant::now() > deadline {
                return Err("the agent does not stop".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.with(|slot| slot.take().and_then(|mut child| child.wait().ok()));
        match status {
            Some(status) if status.success() => Ok(()),
            other => Err(format!("the agent ended badly: {other:?}")),
        }
    }

    /// What it has in memory, and the most that it ever had, in KiB.
    pub fn memory(&self) -> Option<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some((field("VmRSS:")?, field("VmHWM:")?))
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(self.home.join("agent.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if Arc::strong_count(&self.child) == 1 {
            self.kill();
        }
    }
}
