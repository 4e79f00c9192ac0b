//! What a log line says, beyond its framing: its header, and the lines that belong together.
//!
//! Holds header parsing ([`header`]), multi-line traces and exceptions ([`trace`]), and [`Record`], which puts them together
//! for one assembled record. Knows nothing of files, patterns or clocks.

pub mod header;
pub mod layout;
pub mod trace;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::event::{self, Attribute, Exception, Value};
use header::{Header, Kind, Level};

/// One record: the lines that belong together, decoded.
pub struct Record<'a> {
    printed: Cow<'a, [u8]>,
    unescaped: Option<Vec<u8>>,
    header: Header<'a>,
    lead: Option<Header<'a>>,
}

/// Fields of access logs, and the attributes that they become.
const ACCESS_FIELDS: &[(&str, &str)] = &[
    ("authority", "url.domain"),
    ("method", "http.request.method"),
    ("path", "url.path"),
    ("response_code", "http.response.status_code"),
    ("response_flags", "faultscope.envoy.response_flags"),
    ("upstream_host", "network.peer.address"),
];

/// Where structured logs keep a stack trace.
const STACK_FIELDS: &[&str] = &["stacktrace", "stack_trace", "stack", "exc_info", "exception", "traceback"];

/// Where structured logs keep the error's text.
const ERROR_FIELDS: &[&str] = &["error", "err", "exception.message"];

impl<'a> Record<'a> {
    /// Reads a record from its lines, of which there is at least one. `lead` is the line right before a multi-line record:
    /// loggers print a header and then the trace. It gives the time, and never decides what matches.
    pub fn read(lines: &[&'a [u8]], lead: Option<&'a [u8]>) -> Self {
        let first = lines.first().copied().unwrap_or_default();
        let header = header::parse(first);
        let printed = if lines.len() == 1 { Cow::Borrowed(first) } else { Cow::Owned(lines.join(&b'\n')) };
        let unescaped = match header.structured {
            true => match header::unescape(&printed) {
                Cow::Owned(text) => Some(text),
                Cow::Borrowed(_) => None,
            },
            false => None,
        };
        Record { printed, unescaped, header, lead: lead.map(header::parse) }
    }

    /// The text that patterns are matched against: what was printed, with the escapes of structured logs undone once.
    pub fn text(&self) -> &[u8] {
        self.unescaped.as_deref().unwrap_or(&self.printed)
    }

    /// What was printed, without framing. Invalid UTF-8 is replaced.
    pub fn printed(&self) -> String {
        event::text(&self.printed).into_owned()
    }

    /// What a structured line says in words: its message, then its error if that says more.
    pub fn told(&self) -> Option<String> {
        let several_lines = self.printed.contains(&b'\n');
        if several_lines || !self.header.structured || self.header.message == self.printed {
            return None;
        }
        let message = event::text(&self.header.message);
        let error = ERROR_FIELDS.iter().find_map(|name| self.header.fields.get(name));
        Some(match error.filter(|error| !error.is_empty() && !message.contains(&**error)) {
            Some(error) => format!("{}: {error}", message.trim_end_matches([' ', ':'])),
            None => message.into_owned(),
        })
    }

    /// A field by its dotted path; `level`, `logger` and `message` are what the header says they are.
    pub fn field(&self, path: &str) -> Option<String> {
        self.header.field(path).map(Cow::into_owned)
    }

    /// How grave its own header says it is.
    pub fn level(&self) -> Option<Level> {
        self.header.level
    }

    /// How grave the header of the line before it is, of a multi-line record.
    pub fn lead_level(&self) -> Option<Level> {
        self.lead.as_ref().and_then(|lead| lead.level)
    }

    /// What it says, on one line and without its header: the exception by its type and message, else a structured line's message and
    /// error, else the first line behind the header that says something.
    pub fn gist(&self) -> String {
        let exception = self.exception().filter(|exception| exception.kind.is_some());
        let named = exception.map(|Exception { kind, message, .. }| match (kind, message) {
            (Some(kind), Some(message)) => format!("{kind}: {message}"),
            (kind, message) => kind.or(message).unwrap_or_default(),
        });
        let unnamed = || {
            let nameless = self.header.structured && self.header.message == self.printed;
            let error = || ERROR_FIELDS.iter().find_map(|name| self.header.fields.get(name)).map(Cow::into_owned);
            let error = if nameless { error() } else { None };
            error.or_else(|| self.told()).unwrap_or_else(|| event::text(&self.header.message).into_owned())
        };
        let all = named.unwrap_or_else(unnamed);
        let first = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
        first(&all).or_else(|| first(&self.printed())).unwrap_or_default()
    }

    /// When it was logged, if its header says so.
    pub fn time(&self) -> Option<Timestamp> {
        self.header.time.or(self.lead.as_ref().and_then(|lead| lead.time))
    }

    /// The trace it belongs to.
    pub fn trace_id(&self) -> Option<[u8; 16]> {
        self.header.trace_id
    }

    /// The span it belongs to.
    pub fn span_id(&self) -> Option<[u8; 8]> {
        self.header.span_id
    }

    /// What the header gives an event: the request and the answer of an access log.
    pub fn attributes(&self) -> Vec<Attribute> {
        if !matches!(self.header.kind, Kind::HttpAccess | Kind::EnvoyAccess) {
            return Vec::new();
        }
        let attribute = |&(field, name): &(&str, &'static str)| {
            let text = self.header.fields.get(field)?.into_owned();
            let value = match text.parse() {
                Ok(number) if field == "response_code" => Value::Int(number),
                _ => Value::Text(text),
            };
            Some(Attribute { name, value })
        };
        ACCESS_FIELDS.iter().filter_map(attribute).collect()
    }

    /// The exception that it shows.
    pub fn exception(&self) -> Option<Exception> {
        let first_of = |names: &[&str]| names.iter().find_map(|name| self.header.fields.get(name));
        let stack = first_of(STACK_FIELDS).filter(|stack| stack.contains('\n'));
        let Some(stack) = stack else { return trace::exception(self.text()) };
        let inner = trace::exception(stack.as_bytes()).unwrap_or_default();
        Some(Exception {
            kind: inner.kind,
            message: inner.message.or_else(|| first_of(ERROR_FIELDS).map(Cow::into_owned)),
            stacktrace: Some(stack.into_owned()),
        })
    }
}
