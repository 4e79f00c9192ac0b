//! A line by itself, and what several grammars ask of it: each is found out once, and only if one asks.
//!
//! Knows no grammar.

use std::cell::OnceCell;

use super::prefix;
use super::text::{is_indented, qualified_exception};

/// No line is looked at further than this; what decides stands at its beginning.
const LONGEST: usize = 1024;

/// The part of a line that is looked at.
pub(super) fn clip(text: &[u8]) -> &[u8] {
    &text[..text.len().min(LONGEST)]
}

/// A line, or what follows its prefix.
pub(super) struct Look<'t> {
    /// Its beginning.
    pub text: &'t [u8],
    /// The same without white space around it.
    pub inner: &'t [u8],
    /// Does it begin with white space?
    pub indented: bool,
    /// May an exception be told of in it, in the words of the JVM, .NET or JavaScript?
    pub names: bool,
    headed: OnceCell<bool>,
    qualified: OnceCell<Option<usize>>,
}

impl<'t> Look<'t> {
    /// Looks at `text`, of which it is known whether it may tell of an exception.
    pub(super) fn new(text: &'t [u8], names: bool) -> Look<'t> {
        let text = clip(text);
        let (headed, qualified) = (OnceCell::new(), OnceCell::new());
        Look { text, inner: text.trim_ascii(), indented: is_indented(text), names, headed, qualified }
    }

    /// Does it look like the start of an ordinary log line of its own?
    pub(super) fn is_headed(&self) -> bool {
        *self.headed.get_or_init(|| prefix::is_headed(self.text))
    }

    /// Where a type with a package stands, if one does.
    pub(super) fn qualified_exception(&self) -> Option<usize> {
        *self.qualified.get_or_init(|| qualified_exception(self.text).map(|(start, _)| start))
    }
}
