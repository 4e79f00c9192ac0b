//! A whole text taken apart into its records, each as a stream would assemble it: for those who ask about every record,
//! and not only about those that hold an anchor.

use super::Limits;
use super::assemble::{self, Assembly};
use super::lines::{Lane, Lines};
use crate::engine::Subject;
use crate::frame::Format;
use crate::pattern::model::Origin;
use crate::record::Record;

/// One record of a text.
pub struct Part<'t> {
    /// 1-based number of its first line.
    pub line: usize,
    /// The decoded record.
    pub record: Record<'t>,
}

impl Part<'_> {
    /// What the engine sees of it, given to `take`.
    pub fn subject<T>(&self, container: Option<&str>, take: impl FnOnce(&Subject<'_>) -> T) -> T {
        let field = |path: &str| self.record.field(path);
        take(&Subject { text: self.record.text(), origin: Origin::Log, reason: None, container, field: &field })
    }
}

/// Hands each record of a text that isn't empty to `take`, in the order of their first lines.
pub fn each_record(text: &[u8], format: Format, limits: &Limits, mut take: impl FnMut(&Part<'_>)) {
    let lines = Lines::new(text, format, limits);
    let mut done = [0; Lane::COUNT];
    let (mut at, mut number) = (0, 0);
    while let Some(raw) = lines.raw(at) {
        number += 1;
        let lane = raw.lane();
        let floor = done[lane.index()];
        if floor <= at
            && let Some(Assembly::Closed(record)) = assemble::around(lines, lane, at, floor, true, limits)
        {
            done[lane.index()] = record.end();
            let contents: Vec<&[u8]> = record.lines.iter().map(|line| &line.content[..]).collect();
            if contents.iter().any(|content| !content.trim_ascii().is_empty()) {
                take(&Part { line: number, record: Record::read(&contents, None) });
            }
        }
        at = raw.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut take = |part: &Part<'_>| found.push((part.line, part.record.printed()));
        each_record(text.as_bytes(), Format::Auto, &Limits::default(), &mut take);
        found
    }

    #[test]
    fn records_come_whole_and_once() {
        let cri = |stream: &str, tag: &str, text: &str| format!("2031-03-09T04:05:06Z {stream} {tag} {text}\n");
        let mixed = [
            cri("stdout", "F", "Traceback (most recent call last):"),
            cri("stderr", "P", "pears "),
            cri("stdout", "F", "  File \"a.py\", line 1, in f"),
            cri("stderr", "F", "fell"),
            cri("stdout", "F", "ValueError: pears"),
        ];
        let table: &[(&str, &[(usize, &str)])] = &[
            ("", &[]),
            ("\n\none\ntwo", &[(3, "one"), (4, "two")]),
            (
                &mixed.concat(),
                &[
                    (1, "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: pears"),
                    (2, "pears fell"),
                ],
            ),
        ];
        for (text, want) in table {
            let want: Vec<(usize, String)> = want.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
            assert_eq!(records(text), want, "{text}");
        }
    }
}
