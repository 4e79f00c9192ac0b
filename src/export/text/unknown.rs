//! What a report says at its end of failures that no pattern knows: the most frequent, and where to look.

use std::io::{self, Write};

use super::{BOLD, DIM, Report, colour, counted, position, visible};
use crate::correlate::unclassified::Census;

/// So many are shown.
const SHOWN: usize = 5;

impl Report {
    /// Says what was noticed beside known failures; nothing if nothing was.
    pub fn not_recognised(&self, census: &Census, out: &mut dyn Write) -> io::Result<()> {
        let (records, kinds) = census.counts();
        if records == 0 {
            return Ok(());
        }
        let of_kinds = if kinds > 1 { format!(" of {}", counted(kinds, "kind")) } else { String::new() };
        let errors = counted(records, "error");
        writeln!(out, "\n{BOLD}Not recognised: {errors}{of_kinds}{BOLD:#} {DIM}(no pattern knows them){DIM:#}")?;
        let found = census.found();
        for found in found.iter().take(SHOWN) {
            let severity = found.event.pattern.severity;
            let (colour, times) = (colour(severity), format!("{}×", found.count));
            let template = visible(&found.template, self.width - 14).replace('\n', " ");
            writeln!(out, "{times:>6}  {colour}{:<5}{colour:#} {template}", severity.text())?;
            writeln!(out, "{:>14}{DIM}{}{DIM:#}", "", visible(&position(&found.event), usize::MAX))?;
        }
        let more = kinds.saturating_sub(found.len().min(SHOWN) as u64);
        let more = if more > 0 { format!("and {}; ", counted(more, "more kind")) } else { String::new() };
        writeln!(out, "        {DIM}{more}`faultscope patterns suggest` drafts patterns of them{DIM:#}")
    }
}
