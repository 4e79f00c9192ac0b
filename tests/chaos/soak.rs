//! Many files for a while, a collector that is down half the time: memory stays where it is.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::agent::Agent;
use super::chance::Chance;
use super::node::Pod;
use super::receiver::{Mood, Receiver};
use super::trouble::configure;

const PODS: usize = 500;
/// How long the collector is well, and then down.
const SPELL: Duration = Duration::from_secs(10);

/// Runs for so many seconds.
pub fn run(seconds: u64, seed: u64) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let home = TempDir::new().map_err(told)?;
    let folder = home.path().join("pods");
    let mut chance = Chance::new(seed);
    let agent = Agent::new(home.path());
    let receiver = Receiver::start(agent.clone(), seed).map_err(told)?;
    configure(home.path(), &folder, receiver.port, true).map_err(told)?;
    let mut pods = (0..PODS).map(|number| Pod::new(&folder, number)).collect::<Result<Vec<_>, _>>().map_err(told)?;
    agent.start("http/protobuf").map_err(told)?;
    let start = Instant::now();
    let mut memory = Vec::new();
    while start.elapsed() < Duration::from_secs(seconds) {
        let down = start.elapsed().as_secs() / SPELL.as_secs() % 2 == 1;
        receiver.set(if down { Mood::Down } else { Mood::Well });
        for _ in 0..20 {
            let pod = chance.below(PODS as u64) as usize;
            pods[pod].log(&mut chance).map_err(told)?;
            if chance.one_in(200) {
                pods[pod].rotate(&mut chance).map_err(told)?;
            }
        }
        memory.push(agent.memory().ok_or_else(|| format!("the agent is gone:\n{}", agent.last_words()))?);
        std::thread::sleep(Duration::from_millis(20));
    }
    receiver.set(Mood::Well);
    pods.iter_mut().try_for_each(Pod::close).map_err(told)?;
    let failures: u64 = pods.iter().map(|pod| pod.failures).sum();
    let deadline = Instant::now() + Duration::from_secs(120);
    while receiver.look(|taken| (taken.events.len() as u64) < failures) {
        if Instant::now() > deadline {
            let delivered = receiver.look(|taken| taken.events.len());
            return Err(format!("LOST: {delivered} of {failures} arrived\n{}", agent.last_words()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    report(&memory, &receiver, failures)?;
    agent.stop()
}

/// The second half may need no more than the first, but for some room.
fn report(memory: &[(u64, u64)], receiver: &Receiver, failures: u64) -> Result<(), String> {
    let most = |part: &[(u64, u64)]| part.iter().map(|(now, _)| *now).max().unwrap_or(0);
    let (first, second) = memory.split_at(memory.len() / 2);
    let peak = memory.last().map_or(0, |(_, peak)| *peak);
    let (first, second) = (most(first), most(second));
    receiver.look(|taken| {
        println!(
            "{PODS} files, {failures} events expected, {} delivered, requests {:?}",
            taken.events.len(),
            taken.answers
        );
    });
    println!("resident memory: at most {first} KiB in the first half, {second} KiB in the second; peak {peak} KiB");
    if second > first + first / 4 + 2048 {
        return Err(format!("MEMORY GROWS: {first} KiB, then {second} KiB"));
    }
    Ok(())
}
