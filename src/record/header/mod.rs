//! A record's own header: who logged it, when, how severe, and what it says beside its message.
//!
//! One file per family of formats, each a set of nom parsers; this one chooses among them by the first byte. Knows no
//! framing, no patterns and no clock. Called on lines that hit an anchor, so it prefers clarity to speed, but each family
//! takes time linear in the line.

mod access;
mod console;
mod envoy;
mod fields;
mod java;
mod json;
mod klog;
mod level;
mod logfmt;
mod misc;
mod prefix;
mod python;
mod scan;
mod time;
mod unescape;
mod vllm;

use std::borrow::Cow;

use crate::event;
use jiff::Timestamp;

pub use fields::{Fields, Value};
pub use level::Level;
pub(super) use time::of_text as time_of_text;
pub use unescape::{is_plain, unescape};

/// How many prefixes are taken off before a line counts as plain.
const MAX_PREFIXES: usize = 4;

/// The family of formats that a header is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// None that is known: the whole is the message.
    Plain,
    /// zap's JSON, of Knative, controller-runtime, Karpenter, Istio and others.
    Zap,
    /// logrus' JSON.
    Logrus,
    /// log4j2's JSON layout.
    Log4jJson,
    /// Any other program's JSON object.
    Json,
    /// zap's console encoder: controller-runtime, istiod, ztunnel.
    Console,
    /// klog, glog and TensorFlow.
    Klog,
    /// PyTorch's C++ side.
    Torch,
    /// tornado and Jupyter.
    Tornado,
    /// Python's `logging` in one of many shapes.
    Python,
    /// uvicorn, but for its requests.
    Uvicorn,
    /// gunicorn, but for its requests.
    Gunicorn,
    /// A request that a server logs: fields `method`, `path`, `response_code`.
    HttpAccess,
    /// vLLM.
    Vllm,
    /// Ray's daemons.
    Ray,
    /// `key=value` pairs: logrus, slog, go-kit.
    Logfmt,
    /// Envoy's application log.
    Envoy,
    /// Envoy's access log, as text or JSON: fields `method`, `response_code`, `response_flags` and many more.
    EnvoyAccess,
    /// A logger of the JVM.
    Java,
    /// Go's standard logger.
    GoStd,
    /// PostgreSQL.
    Postgres,
    /// nginx' error log.
    Nginx,
    /// Redis.
    Redis,
    /// MySQL and MariaDB.
    Mysql,
    /// etcd before 3.5.
    Etcd,
    /// librdkafka.
    Librdkafka,
    /// .NET's console logger.
    Dotnet,
    /// A level behind a time, or in front of the line: any program.
    Generic,
}

/// A header, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Header<'a> {
    /// Its family.
    pub kind: Kind,
    /// The severity it claims.
    pub level: Option<Level>,
    /// When it was logged. A date-time without a zone is taken as UTC, one without a year is none.
    pub time: Option<Timestamp>,
    /// The logger, component or module.
    pub logger: Option<Cow<'a, str>>,
    /// What stands behind the header. Of a structured line the message's own field, its escapes undone; the whole content
    /// where there is no message apart from the fields.
    pub message: Cow<'a, [u8]>,
    /// The log's own keys; and what an access line says by position.
    pub fields: Fields<'a>,
    /// The line holds escapes, so that its text is unescaped ([`unescape()`]) before it is matched.
    pub structured: bool,
    /// The trace it belongs to.
    pub trace_id: Option<[u8; 16]>,
    /// The span it belongs to.
    pub span_id: Option<[u8; 8]>,
}

impl<'a> Header<'a> {
    fn new(kind: Kind, message: &'a [u8]) -> Header<'a> {
        Header {
            kind,
            level: None,
            time: None,
            logger: None,
            message: Cow::Borrowed(message),
            fields: Fields::default(),
            structured: false,
            trace_id: None,
            span_id: None,
        }
    }

    /// A field as patterns name it: `level` by its common name, `logger` and `message` wherever the header has them, and
    /// the log's own keys.
    pub fn field(&self, path: &str) -> Option<Cow<'_, str>> {
        let common = match path {
            "level" => self.level.map(|level| Cow::Borrowed(level.name())),
            "logger" => self.logger.as_deref().map(Cow::Borrowed),
            "message" => Some(event::text(&self.message)),
            _ => None,
        };
        common.or_else(|| self.fields.get(path))
    }
}

/// Takes a record's header apart. `content` is out of its envelope; of several lines, the first has the header.
///
/// Never fails: what no family knows is [`Kind::Plain`]. Prefixes that a collector put before the header are passed over.
pub fn parse(content: &[u8]) -> Header<'_> {
    let mut header = behind_prefixes(content);
    header.trace_id = id(&header.fields, &["trace_id", "traceId", "traceID", "trace.id", "otelTraceID"]);
    header.span_id = id(&header.fields, &["span_id", "spanId", "spanID", "span.id", "otelSpanID"]);
    header
}

fn behind_prefixes(content: &[u8]) -> Header<'_> {
    let mut rest = content;
    let mut prefix_time = None;
    for _ in 0..=MAX_PREFIXES {
        if let Some(header) = recognise(rest).or_else(|| behind_words(rest)) {
            return Header { time: header.time.or(prefix_time), ..header };
        }
        let Some((behind, time)) = prefix::strip(rest) else {
            break;
        };
        rest = behind;
        prefix_time = prefix_time.or(time);
    }
    Header { time: prefix_time, ..Header::new(Kind::Plain, content) }
}

/// The header behind one or two words, if it is one that prose doesn't happen to look like.
fn behind_words(content: &[u8]) -> Option<Header<'_>> {
    let first = prefix::strip_word(content)?;
    let certain = |rest| recognise(rest).filter(|header| header.kind != Kind::Generic);
    certain(first).or_else(|| certain(prefix::strip_word(first)?))
}

/// Tries the families whose lines begin as this one does.
fn recognise(content: &[u8]) -> Option<Header<'_>> {
    match content.first()? {
        b'{' => json::header(content),
        b'[' => bracketed(content),
        b'0'..=b'9' => numbered(content),
        b'A'..=b'Z' | b'\x1b' => capital(content),
        b'a'..=b'z' | b'"' => logfmt::header(content).or_else(|| misc::dotnet(content)),
        b'%' => misc::librdkafka(content),
        b' ' => misc::redis(content),
        _ => None,
    }
}

fn bracketed(content: &[u8]) -> Option<Header<'_>> {
    envoy::access(content)
        .or_else(|| envoy::application(content))
        .or_else(|| klog::torch(content))
        .or_else(|| java::kafka(content))
        .or_else(|| misc::ray(content))
        .or_else(|| python::bracketed_lines(content))
        .or_else(|| misc::levelled(content))
}

fn capital(content: &[u8]) -> Option<Header<'_>> {
    klog::header(content)
        .or_else(|| envoy::access(content))
        .or_else(|| vllm::header(content))
        .or_else(|| access::undated(content))
        .or_else(|| python::levelled(content))
        .or_else(|| misc::levelled(content))
}

fn numbered(content: &[u8]) -> Option<Header<'_>> {
    let Ok((rest, stamp)) = time::stamp(content) else {
        return access::undated(content).or_else(|| misc::redis(content)).or_else(|| java::clocked(content));
    };
    java::dated(Some(stamp.time), rest)
        .or_else(|| python::dated(stamp, rest))
        .or_else(|| python::gunicorn(content))
        .or_else(|| console::header(stamp, rest))
        .or_else(|| misc::dated(stamp, rest))
}

/// An id in hex digits; all zeros mean that there is none.
fn id<const N: usize>(fields: &Fields<'_>, paths: &[&str]) -> Option<[u8; N]> {
    paths.iter().find_map(|path| from_hex(&fields.get(path)?))
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut id = [0; N];
    for (byte, at) in id.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    (id != [0; N]).then_some(id)
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
