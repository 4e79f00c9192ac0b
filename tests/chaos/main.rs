//! A node and a collector in trouble, and the real binary between them: what was written must arrive.
//!
//! A program rather than a test of the harness, so that it can be told how long to run and prints what it saw:
//!
//! ```console
//! $ cargo test --test chaos                                  # a short one
//! $ cargo test --test chaos -- --kills 300 --seed 7          # kill -9 at random moments and around acknowledgements
//! $ cargo test --test chaos -- --soak 600                    # 500 files, a collector that is down half the time, memory watched
//! ```
//!
//! The oracle: every failure written is delivered at least once, or was refused for good by the collector; in order for each
//! container; none invented; and what comes twice comes with the same uid.

mod agent;
mod chance;
mod node;
mod receiver;
mod soak;
mod trouble;

use std::process::ExitCode;
use std::str::FromStr;

/// What to do.
#[derive(Debug)]
struct Options {
    kills: u64,
    seed: u64,
    soak: Option<u64>,
}

impl Options {
    fn from_arguments() -> Result<Options, String> {
        let mut options = Options { kills: 12, seed: std::process::id().into(), soak: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut number = || {
                let text = arguments.next().ok_or(format!("{name} wants a number"))?;
                u64::from_str(&text).map_err(|error| format!("{name} {text}: {error}"))
            };
            match name.as_str() {
                "--kills" => options.kills = number()?,
                "--seed" => options.seed = number()?,
                "--soak" => options.soak = Some(number()?),
                // What the harness of other tests understands: names of tests, and how to show them.
                _ => {}
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::from_arguments() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let result = match options.soak {
        Some(seconds) => soak::run(seconds, options.seed),
        None => trouble::run(options.kills, options.seed),
    };
    match result {
        Ok(()) => {
            println!("1 passed, 0 failed");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            println!("{problem}\n0 passed, 1 failed");
            ExitCode::FAILURE
        }
    }
}
