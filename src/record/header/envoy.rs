//! Envoy: its access log, as text in the column layouts of all versions and as JSON, and its application log.
//!
//! Access lines give fields of the same names both ways; a value of `-` is an absent one.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_until},
    character::complete::char,
    combinator::{map, map_opt, opt},
    sequence::{delimited, terminated},
};

use super::{
    Header, Kind,
    fields::{Fields, Value},
    level::Level,
    scan::{blanks, bracketed, is_location, location, token},
    time,
};
use crate::event;

/// Columns behind the request: no layout has as many.
const MAX_COLUMNS: usize = 48;

/// A column, and whether it was quoted.
type Column<'a> = (&'a [u8], bool);

/// An access line: `[time] "METHOD path protocol" code flags …`. Emissary writes `ACCESS ` before it.
pub(super) fn access(content: &[u8]) -> Option<Header<'_>> {
    let start = map_opt(bracketed, |inside| match time::stamp(inside) {
        Ok((b"", stamp)) => Some(stamp.time),
        _ => None,
    });
    let request = delimited(char('"'), take_until("\" "), tag("\" "));
    let (rest, (_, time, request)) =
        (opt(tag("ACCESS ")), terminated(start, char(' ')), request).parse(content).ok()?;
    let (_, columns) = nom::multi::many_m_n(2, MAX_COLUMNS, column).parse(rest).ok()?;
    let is_code = columns[0].0.len() <= 3 && columns[0].0.iter().all(u8::is_ascii_digit);
    if !is_code {
        return None;
    }
    let mut fields = Fields::default();
    put_request(&mut fields, request);
    put_columns(&mut fields, &columns);
    Some(Header { time: Some(time), fields, ..Header::new(Kind::EnvoyAccess, content) })
}

fn column(input: &[u8]) -> IResult<&[u8], Column<'_>> {
    let quoted =
        map(delimited(char('"'), nom::bytes::complete::take_till(|byte| byte == b'"'), char('"')), |text| (text, true));
    terminated(alt((quoted, map(token, |text| (text, false)))), blanks).parse(input)
}

fn put<'a>(fields: &mut Fields<'a>, name: &'static str, text: &'a [u8]) {
    if !matches!(text, b"" | b"-") {
        fields.push_text(name, text);
    }
}

/// `METHOD path protocol`; the path may hold blanks.
fn put_request<'a>(fields: &mut Fields<'a>, request: &'a [u8]) {
    let Some(first) = memchr::memchr(b' ', request) else {
        return;
    };
    let last = memchr::memrchr(b' ', request).filter(|last| *last > first).unwrap_or(request.len());
    put(fields, "method", &request[..first]);
    put(fields, "path", &request[first + 1..last]);
    put(fields, "protocol", request.get(last + 1..).unwrap_or_default());
}

/// Code and flags come first in all layouts. The counts of bytes, two numbers in a row, part what follows: before them stand
/// up to three columns that came with later versions, the quoted one last; behind them all have one order.
fn put_columns<'a>(fields: &mut Fields<'a>, columns: &[Column<'a>]) {
    let numeric = |column: &Column<'_>| !column.1 && column.0.iter().all(u8::is_ascii_digit);
    put(fields, "response_code", columns[0].0);
    put(fields, "response_flags", columns[1].0);
    let counts = (2..columns.len().saturating_sub(1)).find(|at| numeric(&columns[*at]) && numeric(&columns[at + 1]));
    let counts = counts.unwrap_or(columns.len());
    let (early, late) = columns.split_at(counts);
    let bare: Vec<_> = early[2..].iter().filter(|column| !column.1).collect();
    for (name, (text, _)) in ["response_code_details", "connection_termination_details"].iter().zip(bare) {
        put(fields, name, text);
    }
    if let Some((reason, _)) = early[2..].iter().rev().find(|column| column.1) {
        put(fields, "upstream_transport_failure_reason", reason);
    }
    let quoted = late.iter().position(|column| column.1).unwrap_or(late.len());
    let numbers = ["bytes_received", "bytes_sent", "duration", "upstream_service_time"];
    let texts = ["x_forwarded_for", "user_agent", "request_id", "authority", "upstream_host"];
    let addresses = [
        "upstream_cluster",
        "upstream_local_address",
        "downstream_local_address",
        "downstream_remote_address",
        "requested_server_name",
        "route_name",
    ];
    let (counted, rest) = late.split_at(quoted);
    let named = numbers.iter().zip(counted).chain(texts.iter().chain(&addresses).zip(rest));
    for (name, (text, _)) in named {
        put(fields, name, text);
    }
}

/// Whether a JSON line's fields are those of an access line.
pub(super) fn is_access(fields: &Fields<'_>) -> bool {
    fields.has("response_code") && (fields.has("response_flags") || (fields.has("method") && fields.has("path")))
}

/// An access line in JSON.
pub(super) fn access_json<'a>(content: &'a [u8], all: Fields<'a>) -> Header<'a> {
    let mut fields = Fields::default();
    for (path, value) in all.into_list() {
        let absent =
            matches!(&value, Value::Null) || matches!(&value, Value::Text(text) if matches!(text.as_ref(), "" | "-"));
        if !absent {
            fields.push(path, value);
        }
    }
    let time = ["start_time", "time", "timestamp"].iter().find_map(|path| time::of_value(fields.value(path)?));
    Header { time, fields, structured: true, ..Header::new(Kind::EnvoyAccess, content) }
}

/// Envoy's own format: `[time][thread][level][component] [file:line] message`.
pub(super) fn application(content: &[u8]) -> Option<Header<'_>> {
    let epoch = (tag("[Envoy (Epoch "), token, char(' '));
    let (rest, _) = opt(epoch).parse(content).ok()?;
    let when = map_opt(bracketed, |inside| time::stamp(inside).ok().map(|(_, stamp)| stamp.time));
    let severity = map_opt(bracketed, Level::parse);
    let (rest, (time, _, level, component)) = (when, bracketed, severity, bracketed).parse(rest).ok()?;
    Some(Header {
        level: Some(level),
        time: Some(time),
        logger: Some(event::text(component)),
        ..Header::new(Kind::Envoy, behind_location(rest))
    })
}

/// Envoy's lines in Istio's console shape: the component leads, in newer ones the location stands with it.
pub(super) fn of_console<'a>(header: Header<'a>, logger: &'a [u8], message: &'a [u8]) -> Header<'a> {
    let place = memchr::memrchr(b' ', logger).filter(|at| is_location(&logger[at + 1..]));
    let component = &logger[..place.unwrap_or(logger.len())];
    let message = match (place, located_column(message)) {
        (None, Some(rest)) => rest,
        _ => behind_location(message),
    };
    Header { kind: Kind::Envoy, logger: Some(event::text(component)), message: message.into(), ..header }
}

/// Where blanks stand for the tabs, the location may have become a column of its own.
fn located_column(message: &[u8]) -> Option<&[u8]> {
    let (rest, place) = terminated(token, blanks).parse(message).ok()?;
    (is_location(place) && memchr::memmem::find(place, b".cc:").is_some()).then_some(rest)
}

/// Without `[file:line] ` in front. Some versions leave the bracket's beginning out.
fn behind_location(text: &[u8]) -> &[u8] {
    match (blanks, opt(char('[')), terminated(location, char(']')), opt(char(' '))).parse(text) {
        Ok((rest, _)) => rest,
        Err(_) => text.strip_prefix(b" ").unwrap_or(text),
    }
}
