//! vLLM: `LEVEL mm-dd HH:MM:SS [file.py:line] message`, the bracket's beginning missing in V0. No year, so no time.
//!
//! The `(EngineCore pid=17) ` in front of V1's lines is a prefix like a collector's.

use nom::{Parser, bytes::complete::tag, character::complete::char, combinator::opt, sequence::terminated};

use super::{
    Header, Kind, level,
    scan::{coloured, gap, location},
};
use crate::event;
use crate::frame::time::{clock, digits};

/// The header of a vLLM line. Only one blank parts it from the message: a traceback's lines keep what they are indented by.
pub(super) fn header(content: &[u8]) -> Option<Header<'_>> {
    let date = (digits(2), tag("-"), digits(2), char(' '), clock);
    let place = (opt(char('[')), terminated(location, char(']')));
    let (message, (level, _, _, _, (_, place), _)) =
        (coloured(level::upper_word), gap, date, gap, coloured(place), opt(char(' '))).parse(content).ok()?;
    let file = memchr::memrchr(b':', place).map_or(place, |colon| &place[..colon]);
    Some(Header { level: Some(level), logger: Some(event::text(file)), ..Header::new(Kind::Vllm, message) })
}
