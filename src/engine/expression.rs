//! What an expression requires and names, as far as compiling a pattern needs to know. Reading an expression takes most of the time of
//! compiling a pattern, so those of the built-in packs are read when the binary is built: build.rs includes this module.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

use super::required::{self, Lines};

/// What is known of an expression without compiling it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expression {
    /// What every match must contain, in groups of which each is satisfied by one line.
    pub lines: Lines,
    /// Its named groups, in the order they stand.
    pub groups: Vec<String>,
}

/// What ends a literal or a name, a clause, a line, and all lines, where an expression is kept as text.
const ENDS: [u8; 4] = *b"\x1f\x1e\x1d\x1c";

impl Expression {
    /// What is known of it as one text; `None` where it isn't text, or couldn't be taken apart again.
    #[allow(dead_code, reason = "build.rs keeps the expressions of the packs")]
    pub fn kept(&self) -> Option<String> {
        let [string, clause, line, all] = ENDS;
        let mut kept = Vec::new();
        for clauses in &self.lines {
            for literals in clauses {
                literals.iter().for_each(|literal| kept.extend(literal.iter().chain([&string])));
                kept.push(clause);
            }
            kept.push(line);
        }
        kept.push(all);
        self.groups.iter().for_each(|group| kept.extend(group.bytes().chain([string])));
        String::from_utf8(kept).ok().filter(|kept| Expression::of(kept) == *self)
    }

    /// What was kept.
    pub fn of(kept: &str) -> Expression {
        let [string, clause, line, all] = ENDS;
        let (lines, groups) = kept.split_once(char::from(all)).unwrap_or_default();
        let literals = |clause| ended(clause, string).map(<[u8]>::to_vec).collect();
        let clauses = |line| ended(line, clause).map(literals).collect();
        let name = |group: &[u8]| String::from_utf8_lossy(group).into_owned();
        Expression {
            lines: ended(lines.as_bytes(), line).map(clauses).collect(),
            groups: ended(groups.as_bytes(), string).map(name).collect(),
        }
    }
}

/// What stands before each end.
fn ended(text: &[u8], end: u8) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(move |byte| *byte == end).map(|part| &part[..part.len() - 1])
}

/// Reads an expression: bytes, not characters; ASCII classes; `^` and `$` at line ends. The error is the parser's own explanation.
pub fn read(expression: &str) -> Result<Expression, String> {
    let hir = parse(expression)?;
    Ok(Expression { lines: required::lines(&hir), groups: group_names(&hir) })
}

/// The syntax tree of an expression.
pub fn parse(expression: &str) -> Result<Hir, String> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build();
    parser.parse(expression).map_err(|error| error.to_string())
}

fn group_names(hir: &Hir) -> Vec<String> {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let mut names: Vec<String> = capture.name.iter().map(|name| name.to_string()).collect();
            names.extend(group_names(&capture.sub));
            names
        }
        HirKind::Repetition(repetition) => group_names(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().flat_map(group_names).collect(),
        _ => Vec::new(),
    }
}
