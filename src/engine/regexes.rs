//! How a pattern's regular expressions are read: one dialect for checking, literal extraction and matching.
//!
//! Bytes, not characters; ASCII classes; `^` and `$` at line ends. Linear time whatever the text (the `regex` crate).

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

/// The largest program an expression may compile to, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// Reads an expression without compiling it; the error is the parser's own explanation.
pub fn parse(expression: &str) -> Result<Hir, String> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build();
    parser.parse(expression).map_err(|error| error.to_string())
}

/// Compiles an expression.
pub fn compile(expression: &str) -> Result<Regex, String> {
    RegexBuilder::new(expression)
        .unicode(false)
        .multi_line(true)
        .size_limit(SIZE_LIMIT)
        .build()
        .map_err(|error| error.to_string())
}
