//! `faultscope man`: the manual page, generated from the same definitions as the help.

use std::io;

use anyhow::Result;
use clap::CommandFactory;

pub(super) fn run() -> Result<u8> {
    let command = super::Cli::command();
    clap_mangen::Man::new(command.clone()).render(&mut io::stdout())?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let name = format!("faultscope-{}", verb.get_name());
        clap_mangen::Man::new(verb.clone().name(name)).render(&mut io::stdout())?;
    }
    Ok(super::DONE)
}
