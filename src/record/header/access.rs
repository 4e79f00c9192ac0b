//! HTTP requests as servers log them: uvicorn's access lines, and the common log format of nginx, Apache and gunicorn.
//!
//! They give the fields `method`, `path` and `response_code`, as Envoy's access lines do.

use nom::{
    IResult, Parser,
    bytes::complete::tag,
    character::complete::char,
    combinator::{opt, verify},
    sequence::{delimited, preceded, terminated},
};

use super::{
    Header, Kind,
    fields::{Fields, Value},
    level::{self, Level},
    scan::{bracketed, capitals, colour, coloured, gap, is_blank, number, token, token_until},
    time,
};
use crate::event;

/// `INFO:     10.1.2.3:4 - "POST /x HTTP/1.1" 500 Internal Server Error`, the level left out by some.
pub(super) fn undated(content: &[u8]) -> Option<Header<'_>> {
    let named = terminated(coloured(level::upper_word), (char(':'), gap));
    let (rest, level) = opt(named).parse(content).ok()?;
    uvicorn(rest, content, level).or_else(|| common(content))
}

/// The request in what uvicorn's `uvicorn.access` logger prints: an address, in KServe a process id, then the request.
pub(super) fn uvicorn<'a>(rest: &'a [u8], message: &'a [u8], level: Option<Level>) -> Option<Header<'a>> {
    let client = (verify(token, |word: &[u8]| word.contains(&b':')), gap, opt((number, gap)), tag("- "));
    let (_, fields) = preceded(client, request).parse(rest).ok()?;
    Some(Header { level, fields, ..Header::new(Kind::HttpAccess, message) })
}

/// `10.1.2.3 - user [10/Oct/2031:13:55:36 +0000] "GET / HTTP/1.1" 200 123 …`
fn common(content: &[u8]) -> Option<Header<'_>> {
    let client = (token, gap, token, gap, token, gap);
    let (rest, when) = preceded(client, bracketed).parse(content).ok()?;
    let (_, time) = time::web_server(when).ok()?;
    let (_, fields) = preceded(gap, request).parse(rest).ok()?;
    Some(Header { time: Some(time), fields, ..Header::new(Kind::HttpAccess, content) })
}

/// `"POST /x HTTP/1.1" 500`
fn request(input: &[u8]) -> IResult<&[u8], Fields<'_>> {
    let path = verify(token_until(b'"'), |rest: &[u8]| rest.iter().any(|byte| is_blank(*byte)));
    let line = delimited((char('"'), colour), (capitals, char(' '), path), (char('"'), gap));
    let code = coloured(verify(number, |digits: &[u8]| digits.len() == 3));
    let (rest, ((method, _, path), code)) = (line, code).parse(input)?;
    let protocol = memchr::memrchr(b' ', path).unwrap_or(path.len());
    let mut fields = Fields::default();
    fields.push_text("method", method);
    fields.push_text("path", &path[..protocol]);
    fields.push("response_code", Value::Number(event::text(code)));
    Ok((rest, fields))
}
