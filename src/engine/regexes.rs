//! How a pattern's regular expressions are compiled, in the dialect in which [`super::expression`] reads them.
//!
//! Bytes, not characters; ASCII classes; `^` and `$` at line ends. Linear time whatever the text (the `regex` crate).

use regex::bytes::{Regex, RegexBuilder};

/// The largest program an expression may compile to, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// Compiles an expression.
pub fn compile(expression: &str) -> Result<Regex, String> {
    RegexBuilder::new(expression)
        .unicode(false)
        .multi_line(true)
        .size_limit(SIZE_LIMIT)
        .build()
        .map_err(|error| error.to_string())
}
