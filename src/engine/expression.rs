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
