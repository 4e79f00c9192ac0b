//! The expressions of the built-in packs, read when the binary was built.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::expression::{self, Expression};

/// A list of (expression, its clauses by their lines, its groups).
const EXPRESSIONS: &str = include_str!(concat!(env!("OUT_DIR"), "/expressions.json"));

type Row = (String, Vec<Vec<Vec<String>>>, Vec<String>);

static KNOWN: LazyLock<HashMap<String, Expression>> = LazyLock::new(|| {
    // Were the table broken, each expression would be read when it is needed.
    let rows: Vec<Row> = serde_json::from_str(EXPRESSIONS).unwrap_or_default();
    let bytes = |clause: Vec<String>| clause.into_iter().map(String::into_bytes).collect();
    let line = |clauses: Vec<Vec<String>>| clauses.into_iter().map(bytes).collect();
    let known = rows
        .into_iter()
        .map(|(text, lines, groups)| (text, Expression { lines: lines.into_iter().map(line).collect(), groups }));
    known.collect()
});

/// As [`expression::read`].
pub fn read(text: &str) -> Result<Cow<'static, Expression>, String> {
    match KNOWN.get(text) {
        Some(known) => Ok(Cow::Borrowed(known)),
        None => expression::read(text).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_is_what_is_read_now() {
        assert!(KNOWN.len() > 100);
        for (text, known) in KNOWN.iter() {
            assert_eq!(expression::read(text).as_ref(), Ok(known), "{text}");
        }
    }
}
