//! The naive reference: every pattern on every record, no anchors, no automaton, no window. Slow and easy to believe.

use std::borrow::Cow;

use faultscope::classify::Classifier;
use faultscope::frame::{self, Format, Stream};
use faultscope::pattern::model::{Condition, FieldValue, Pattern, Term};
use faultscope::record::Record;
use faultscope::record::trace::{Assembler, Step};
use regex::bytes::RegexBuilder;

/// What must come out of a text: enough of an event to know it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    pub line: u64,
    pub last_line: u64,
    pub stream: Option<&'static str>,
    pub pattern: String,
    pub also: Vec<String>,
}

/// A line as the program printed it, and the raw lines it was cut into (1-based).
struct Printed<'a> {
    content: Cow<'a, [u8]>,
    first: u64,
    last: u64,
    complete: bool,
}

/// Everything that is known about a text.
pub fn classify(classifier: &Classifier, text: &[u8], container: Option<&str>) -> Vec<Said> {
    let mut said = Vec::new();
    for lane in [Some(Stream::Stdout), Some(Stream::Stderr), None] {
        let lines = printed(text, lane, classifier.format);
        for record in records(&lines) {
            said.extend(judge(classifier, record, lane, container));
        }
    }
    said.sort();
    said
}

fn printed(text: &[u8], lane: Option<Stream>, format: Format) -> Vec<Printed<'_>> {
    let mut lines: Vec<Printed<'_>> = Vec::new();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    for (number, raw) in text.split(|&byte| byte == b'\n').enumerate() {
        let frame = frame::decode(raw, format);
        if frame.stream != lane {
            continue;
        }
        let number = number as u64 + 1;
        match lines.last_mut().filter(|line| !line.complete) {
            Some(open) => {
                open.content.to_mut().extend_from_slice(&frame.content);
                open.last = number;
                open.complete = !frame.partial;
            }
            None => {
                lines.push(Printed { content: frame.content, first: number, last: number, complete: !frame.partial })
            }
        }
    }
    lines
}

fn records<'l, 'a>(lines: &'l [Printed<'a>]) -> Vec<&'l [Printed<'a>]> {
    let mut records = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let mut end = at + 1;
        if let Some(mut assembler) = Assembler::start(&lines[at].content) {
            for (offset, line) in lines[at + 1..].iter().enumerate() {
                match assembler.push(&line.content) {
                    Step::Joined => end = at + 2 + offset,
                    Step::Held => {}
                    Step::Closed => break,
                }
            }
        }
        records.push(&lines[at..end]);
        at = end;
    }
    records
}

fn judge(
    classifier: &Classifier,
    lines: &[Printed<'_>],
    lane: Option<Stream>,
    container: Option<&str>,
) -> Option<Said> {
    let contents: Vec<&[u8]> = lines.iter().map(|line| &line.content[..]).collect();
    // Headers of neighbours fill in times; they must not decide what matches, or a level could come from another record.
    let record = Record::read(&contents, None);
    let mut matches: Vec<(usize, usize)> = Vec::new();
    for (index, located) in classifier.set.patterns.iter().enumerate() {
        let pattern = &located.pattern;
        // What takes several records says nothing of one.
        if in_scope(pattern, container) && pattern.matches.correlation().is_none() {
            let holds = |condition: &Condition| holds(condition, &record);
            matches.extend(pattern.matches.conditions().iter().position(holds).map(|alternative| (index, alternative)));
        }
    }
    let pattern = |index: usize| &classifier.set.patterns[index].pattern;
    let presumed = |index: usize| container.is_none() && !pattern(index).scope.container.is_empty();
    let explained = |index: usize| {
        matches.iter().any(|&(other, _)| {
            let cause = pattern(other);
            (!cause.generic || pattern(index).generic)
                && (!presumed(other) || presumed(index))
                && cause.explains.contains(&pattern(index).id)
                && !pattern(index).explains.contains(&cause.id)
        })
    };
    let weight = |&(index, alternative): &(usize, usize)| {
        classifier.set.engine.patterns()[index].alternatives[alternative].weight
    };
    let rank =
        |m: &&(usize, usize)| (pattern(m.0).generic, explained(m.0), presumed(m.0), std::cmp::Reverse(weight(m)), m.0);
    let speaker = matches.iter().min_by_key(rank)?.0;
    let also = matches.iter().filter(|m| m.0 != speaker).map(|m| pattern(m.0).id.clone()).collect();
    Some(Said {
        line: lines[0].first,
        last_line: lines[lines.len() - 1].last,
        stream: lane.map(Stream::name),
        pattern: pattern(speaker).id.clone(),
        also,
    })
}

fn in_scope(pattern: &Pattern, container: Option<&str>) -> bool {
    let globs = &pattern.scope.container;
    container
        .is_none_or(|name| globs.is_empty() || globs.iter().any(|glob| glob::Pattern::new(glob).unwrap().matches(name)))
}

fn holds(condition: &Condition, record: &Record<'_>) -> bool {
    let text = record.text();
    let stands = |term: &Term| match term {
        Term::Literal(literal) => memchr::memmem::find(text, literal.as_bytes()).is_some(),
        Term::Regex(term) => matches(&term.regex, text),
    };
    condition.all.iter().all(stands)
        && (condition.any.is_empty() || condition.any.iter().any(stands))
        && !condition.none.iter().any(stands)
        && condition.regex.as_slice().iter().all(|expression| matches(expression, text))
        && condition.fields.iter().all(|(name, test)| {
            record.field(name).is_some_and(|got| test.values().iter().any(|wanted| equals(wanted, &got)))
        })
}

thread_local! {
    /// Compiling is what would take the time, not matching.
    static COMPILED: std::cell::RefCell<std::collections::HashMap<String, regex::bytes::Regex>> = Default::default();
}

fn matches(expression: &str, text: &[u8]) -> bool {
    COMPILED.with_borrow_mut(|compiled| {
        let regex = compiled
            .entry(expression.to_owned())
            .or_insert_with(|| RegexBuilder::new(expression).unicode(false).multi_line(true).build().unwrap());
        regex.is_match(text)
    })
}

fn equals(wanted: &FieldValue, got: &str) -> bool {
    let wanted = match wanted {
        FieldValue::Bool(value) => value.to_string(),
        FieldValue::Int(value) => value.to_string(),
        FieldValue::Text(text) => text.clone(),
    };
    let mut rest = got;
    let mut parts = wanted.split('*').peekable();
    let Some(tail) = parts.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = tail;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}
