//! The command line: one file per verb. Arguments in, exit status out; everything else is asked of the other rooms.

mod agent;
mod diagnose;
mod eval;
mod input;
mod load;
mod man;
mod output;
mod patterns;
mod scan;

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::pattern::model::Severity;

/// Recognises known failures in container logs and says what failed, why, and how to fix it.
#[derive(Debug, Parser)]
#[command(name = "faultscope", version, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Classify files, folders, bundles (.gz, .zst, .tar, .tar.gz) or standard input.
    Scan(scan::Args),
    /// Follow log files and export what is recognised, until told to stop.
    Run(agent::Args),
    /// Check the configuration of `run`, and patterns, without running.
    Check(agent::Args),
    Diagnose(diagnose::Args),
    /// Browse, validate and test patterns.
    Patterns(patterns::Args),
    /// Measure precision and recall over labelled logs.
    Eval(eval::Args),
    /// Print a shell's completions.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// A severity on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SeverityArg {
    Info,
    Warn,
    Error,
    Fatal,
}

impl From<SeverityArg> for Severity {
    fn from(arg: SeverityArg) -> Severity {
        match arg {
            SeverityArg::Info => Severity::Info,
            SeverityArg::Warn => Severity::Warn,
            SeverityArg::Error => Severity::Error,
            SeverityArg::Fatal => Severity::Fatal,
        }
    }
}

/// Nothing to complain of.
const DONE: u8 = 0;
/// What `--exit-code` asks for, or a test that failed.
const FOUND: u8 = 1;
/// Bad usage, configuration or patterns.
const USAGE: u8 = 2;

/// Parses the arguments and runs the verb.
pub fn main() -> ExitCode {
    let mut command = Cli::command();
    if is_plugin(env::args_os().next()) {
        command = command.bin_name(PLUGIN);
    }
    // What doesn't parse ends the program here, with a message.
    let cli = Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    let result = match cli.verb {
        Verb::Scan(args) => scan::run(args),
        Verb::Run(args) => agent::run(args),
        Verb::Check(args) => agent::check(args),
        Verb::Diagnose(args) => diagnose::run(args),
        Verb::Patterns(args) => patterns::run(args),
        Verb::Eval(args) => eval::run(args),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "faultscope", &mut io::stdout());
            Ok(DONE)
        }
        Verb::Man => man::run(),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) if is_broken_pipe(&error) => ExitCode::from(DONE),
        Err(error) => {
            eprintln!("faultscope: {error:#}");
            ExitCode::from(USAGE)
        }
    }
}

/// What a person types who has it as a plugin of kubectl.
const PLUGIN: &str = "kubectl faultscope";

/// Installed as `kubectl-faultscope` it is run by kubectl.
fn is_plugin(program: Option<OsString>) -> bool {
    let program = program.map(PathBuf::from);
    program.as_deref().and_then(Path::file_stem).is_some_and(|name| name == "kubectl-faultscope")
}

/// Whoever reads our output has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
