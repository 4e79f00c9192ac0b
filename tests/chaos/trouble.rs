//! Kills, a collector in trouble, a full disk under the checkpoint, a clock that jumps.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::agent::Agent;
use super::chance::Chance;
use super::node::{PACK, Pod, ROUND};
use super::receiver::{Mood, Receiver, Taken};

const PODS: usize = 6;
/// When nothing is in trouble any more and nothing new has arrived for so long, what is missing is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs until the agent was killed so many times, then lets everything arrive and looks at it.
pub fn run(kills: u64, seed: u64) -> Result<(), String> {
    let home = TempDir::new().map_err(told)?;
    let mut chance = Chance::new(seed);
    let pods_folder = home.path().join("pods");
    let disk = Disk::small(&home.path().join("state"));
    let clock = Clock::find(home.path());
    let mut agent = Agent::new(home.path());
    agent.environment = clock.as_ref().map(Clock::environment).unwrap_or_default();
    let receiver = Receiver::start(agent.clone(), seed).map_err(told)?;
    configure(home.path(), &pods_folder, receiver.port, false).map_err(told)?;
    let mut pods =
        (0..PODS).map(|number| Pod::new(&pods_folder, number)).collect::<Result<Vec<_>, _>>().map_err(told)?;

    println!("seed {seed}, {kills} kills, checkpoints on {}, {}", disk.describe(), Clock::describe(clock.as_ref()));
    agent.start("http/protobuf").map_err(told)?;
    receiver.set(Mood::Chaotic);
    let (mut own_kills, mut rotations, mut restarts, mut full, mut jumps) = (0, 0, 0, 0, 0);
    let mut next_kill = Instant::now() + chance.wait(1500);
    while own_kills + receiver.look(|taken| taken.kills) < kills {
        for pod in &mut pods {
            pod.log(&mut chance).map_err(told)?;
        }
        let pod = chance.below(PODS as u64) as usize;
        if chance.one_in(40) {
            pods[pod].rotate(&mut chance).map_err(told)?;
            rotations += 1;
        } else if chance.one_in(80) {
            pods[pod].restart().map_err(told)?;
            restarts += 1;
        }
        if chance.one_in(100) {
            full += u64::from(disk.fill());
        } else if chance.one_in(30) {
            disk.free();
        }
        if let Some(clock) = &clock
            && chance.one_in(60)
        {
            clock.jump(&mut chance).map_err(told)?;
            jumps += 1;
        }
        if Instant::now() >= next_kill {
            own_kills += u64::from(agent.kill());
            next_kill = Instant::now() + chance.wait(1500);
        }
        if !agent.runs() {
            std::thread::sleep(chance.wait(30));
            let protocol = if chance.one_in(2) { "http/protobuf" } else { "http/json" };
            // With a full disk it can't start, as it says; there is room again before long.
            disk.free();
            agent.start(protocol).map_err(told)?;
        }
        std::thread::sleep(ROUND);
    }
    disk.free();
    receiver.set(Mood::Well);
    pods.iter_mut().try_for_each(Pod::close).map_err(told)?;
    if !agent.runs() {
        agent.start("http/protobuf").map_err(told)?;
    }
    let verdict = settle(&agent, &receiver, &pods);
    let last_words = agent.last_words();
    let ended = if verdict.is_ok() { agent.stop() } else { agent.kill().then_some(()).ok_or("nothing to kill".into()) };
    let lines: u64 = pods.iter().map(|pod| pod.lines).sum();
    let failures: u64 = pods.iter().map(|pod| pod.failures).sum();
    receiver.look(|taken| {
        let doubled = taken.records - taken.events.len() as u64;
        println!("{lines} lines written, {rotations} rotations, {restarts} restarts of containers");
        println!(
            "{} kills ({} around an acknowledgement), {full} full disks, {jumps} jumps of the clock",
            own_kills + taken.kills,
            taken.kills
        );
        println!(
            "{failures} events expected, {} delivered, {} refused for good, {doubled} came again with the same uid",
            taken.events.len(),
            taken.refused.len()
        );
        println!("requests: {:?}", taken.answers);
    });
    verdict.and(ended).map_err(|problem| format!("{problem}\nthe agent's last words:\n{last_words}"))
}

fn told(error: io::Error) -> String {
    error.to_string()
}

/// Waits until everything has arrived, and holds it against what was written.
fn settle(agent: &Agent, receiver: &Receiver, pods: &[Pod]) -> Result<(), String> {
    let expected: Vec<String> =
        pods.iter().flat_map(|pod| (1..=pod.failures).map(|number| format!("{}/{number}", pod.name()))).collect();
    let mut latest = (Instant::now(), usize::MAX);
    loop {
        let missing = receiver.look(|taken| missing(taken, &expected));
        if missing.is_empty() {
            break;
        }
        if missing.len() != latest.1 {
            latest = (Instant::now(), missing.len());
        }
        if !agent.runs() {
            return Err("the agent ended by itself".into());
        }
        if latest.0.elapsed() > PATIENCE {
            let some = &missing[..missing.len().min(10)];
            return Err(format!("LOST: {} of {} events, such as {some:?}", missing.len(), expected.len()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    receiver.look(|taken| check(taken, &expected))
}

fn missing(taken: &Taken, expected: &[String]) -> Vec<String> {
    let arrived = |name: &&String| taken.events.contains_key(*name) || taken.refused.contains(*name);
    expected.iter().filter(|name| !arrived(name)).cloned().collect()
}

/// Nothing invented, nothing under two names, nothing out of order.
fn check(taken: &Taken, expected: &[String]) -> Result<(), String> {
    let wanted: std::collections::HashSet<&String> = expected.iter().collect();
    if let Some(invented) = taken.events.keys().find(|name| !wanted.contains(name)) {
        return Err(format!("INVENTED: {invented}"));
    }
    if let Some((name, uids)) = taken.events.iter().find(|(_, uids)| uids.len() != 1) {
        return Err(format!("{name} came with several uids: {uids:?}"));
    }
    for (pod, numbers) in &taken.order {
        // What was refused once may come late: a kill made the agent send it again.
        let kept: Vec<u64> =
            numbers.iter().copied().filter(|number| !taken.refused.contains(&format!("{pod}/{number}"))).collect();
        if let Some(pair) = kept.windows(2).find(|pair| pair[0] > pair[1]) {
            return Err(format!("OUT OF ORDER: {pod} {pair:?}"));
        }
    }
    Ok(())
}

/// The agent's configuration; `catalogue`: with all patterns it comes with, beside the one that is looked for.
pub fn configure(home: &Path, pods: &Path, port: u16, catalogue: bool) -> io::Result<()> {
    fs::write(home.join("pack.yaml"), PACK)?;
    let config = format!(
        "state_dir: {}\nsources: {{ files: {{ include: ['{}/*/*/*.log'], read_from: beginning }} }}\nbuiltin_patterns: {catalogue}\n\
         patterns: [{}]\nrepeats: {{ window: 0s }}\nadmin: {{ listen: null }}\n\
         export: {{ otlp: {{ endpoint: 'http://127.0.0.1:{port}' }} }}\n",
        home.join("state").display(),
        pods.display(),
        home.join("pack.yaml").display(),
    );
    fs::write(home.join("config.yaml"), config)
}

/// The disk of the checkpoints: a small one of its own where that can be had, which root can.
struct Disk {
    folder: PathBuf,
    mounted: bool,
}

impl Disk {
    fn small(folder: &Path) -> Disk {
        let made = fs::create_dir_all(folder).is_ok();
        let mount = || Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder).output();
        let mounted = made && mount().is_ok_and(|output| output.status.success());
        Disk { folder: folder.to_owned(), mounted }
    }

    fn describe(&self) -> &'static str {
        if self.mounted {
            "a small tmpfs that fills up"
        } else {
            "an ordinary disk (SKIPPED: only root can mount a small one)"
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Whether it is full now.
    fn fill(&self) -> bool {
        let fill = || -> io::Result<()> {
            let mut file = File::create(self.filler())?;
            loop {
                file.write_all(&[0; 4096])?;
            }
        };
        self.mounted && fill().is_err()
    }

    fn free(&self) {
        if self.mounted {
            // It need not be there.
            let _ = fs::remove_file(self.filler());
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
        }
    }
}

/// A clock that jumps for the agent alone: libfaketime, where it is installed.
struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    fn find(home: &Path) -> Option<Clock> {
        let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
        let library = folders.iter().map(|folder| Path::new(folder).join("faketime/libfaketime.so.1"));
        let clock = Clock { library: library.into_iter().find(|path| path.exists())?, file: home.join("clock") };
        fs::write(&clock.file, "+0").ok()?;
        Some(clock)
    }

    fn describe(clock: Option<&Clock>) -> &'static str {
        if clock.is_some() { "a clock that jumps" } else { "an honest clock (SKIPPED: libfaketime is not installed)" }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let own = [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".into()),
            // Waits are by the monotonic clock, which never jumps.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
        ];
        own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// By up to a day, either way.
    fn jump(&self, chance: &mut Chance) -> io::Result<()> {
        let seconds = chance.below(2 * 86_400) as i64 - 86_400;
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{seconds:+}"))?;
        fs::rename(next, &self.file)
    }
}
