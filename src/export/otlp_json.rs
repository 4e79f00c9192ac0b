//! The OTLP file form: one `{"resourceLogs":[…]}` object a line, by the rules of OTLP/JSON (ids in hex, 64-bit numbers
//! as strings, enums as numbers). Must not know where the line goes.

use super::{json, otlp};
use crate::event::Event;

/// Appends the events to `out` as one line, ending in `\n`. No events: nothing is written.
pub fn write(events: &[Event], out: &mut Vec<u8>) {
    if !events.is_empty() {
        json::line(&otlp::request(events), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::fixture;

    #[test]
    fn a_rich_event() {
        let mut out = Vec::new();
        write(&[fixture::rich()], &mut out);
        let shown: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let shown = serde_json::to_string_pretty(&shown).unwrap();
        insta::assert_snapshot!(shown.replace(env!("CARGO_PKG_VERSION"), "<version>"));
    }

    #[test]
    fn each_call_is_one_line_and_no_events_are_none() {
        let mut out = Vec::new();
        write(&[], &mut out);
        assert!(out.is_empty());
        write(&[fixture::rich(), fixture::plain()], &mut out);
        write(&[fixture::plain()], &mut out);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 2);
        assert!(out.starts_with(br#"{"resourceLogs":["#) && out.ends_with(b"}\n"));
    }
}
