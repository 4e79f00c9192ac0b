//! The expressions of the built-in packs, read when the binary was built.

use super::expression::{self, Expression};

/// Each as it is written and as it is kept, in the order of the former: as a part of the binary they take no memory until they are asked
/// for.
static EXPRESSIONS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/expressions.rs"));

/// As [`expression::read`].
pub fn read(text: &str) -> Result<Expression, String> {
    match EXPRESSIONS.binary_search_by(|(known, _)| (*known).cmp(text)) {
        Ok(at) => Ok(Expression::of(EXPRESSIONS[at].1)),
        Err(_) => expression::read(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_is_what_is_read_now() {
        assert!(EXPRESSIONS.len() > 100 && EXPRESSIONS.is_sorted());
        for (text, kept) in EXPRESSIONS {
            assert_eq!(expression::read(text), Ok(Expression::of(kept)), "{text}");
        }
    }

    #[test]
    fn what_could_not_be_taken_apart_again_is_not_kept() {
        let of = |literal: &[u8]| Expression { lines: vec![vec![vec![literal.to_vec()]]], ..Expression::default() };
        let empty = Expression { lines: vec![vec![], vec![vec![], vec![vec![]]]], groups: vec![String::new()] };
        for kept in [of(b"plain"), of(b"\n\0"), empty, Expression::default()] {
            assert_eq!(Expression::of(&kept.kept().unwrap()), kept);
        }
        for lost in [&b"\xff"[..], b"a\x1fb", b"a\x1e", b"\x1d", b"\x1ca"] {
            assert_eq!(of(lost).kept(), None, "{lost:?}");
        }
    }
}
