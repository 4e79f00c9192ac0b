//! Where a pattern, or one wording of it, applies: the source, the reason and the container of a record.

use super::compile::CompileError;
use super::confirm::Subject;
use crate::pattern::model::{Origin, Scope};

/// A `where`, ready to be checked. Most patterns and nearly all wordings have none: they are asked more often, so that takes no room.
#[derive(Default)]
pub struct CompiledScope(Option<Box<Keys>>);

struct Keys {
    origins: Vec<Origin>,
    reasons: Vec<glob::Pattern>,
    containers: Vec<glob::Pattern>,
}

impl CompiledScope {
    pub(super) fn new(scope: &Scope) -> Result<Self, CompileError> {
        let globs = |list: &[String]| list.iter().map(|text| glob(text)).collect::<Result<Vec<_>, _>>();
        let keys = Keys {
            origins: scope.source.clone(),
            reasons: globs(&scope.reason)?,
            containers: globs(&scope.container)?,
        };
        let is_there = !keys.origins.is_empty() || !keys.reasons.is_empty() || !keys.containers.is_empty();
        Ok(CompiledScope(is_there.then(|| Box::new(keys))))
    }

    /// Does the record stand where it must? One whose container isn't known may; a log has no reason, so it doesn't stand where one is wanted.
    pub fn takes(&self, subject: &Subject<'_>) -> bool {
        self.0.as_ref().is_none_or(|keys| keys.checks(subject).iter().all(|(_, holds)| *holds))
    }

    /// The keys that don't hold.
    pub(super) fn misses(&self, subject: &Subject<'_>) -> Vec<&'static str> {
        let checks = self.0.iter().flat_map(|keys| keys.checks(subject));
        checks.filter(|(_, holds)| !holds).map(|(key, _)| key).collect()
    }

    /// Can a line of a log stand there?
    pub(super) fn takes_logs(&self) -> bool {
        let takes = |keys: &Keys| keys.origins.is_empty() || keys.origins.contains(&Origin::Log);
        self.0.as_ref().is_none_or(|keys| takes(keys) && keys.reasons.is_empty())
    }

    pub(super) fn wants_container(&self) -> bool {
        self.0.as_ref().is_some_and(|keys| !keys.containers.is_empty())
    }

    pub(super) fn wants_reason(&self) -> bool {
        self.0.as_ref().is_some_and(|keys| !keys.reasons.is_empty())
    }
}

impl Keys {
    fn checks(&self, subject: &Subject<'_>) -> [(&'static str, bool); 3] {
        let reason = || subject.reason.is_some_and(|reason| any(&self.reasons, reason));
        let container = || subject.container.is_none_or(|name| any(&self.containers, name));
        [
            ("source", self.origins.is_empty() || self.origins.contains(&subject.origin)),
            ("reason", self.reasons.is_empty() || reason()),
            ("container", self.containers.is_empty() || container()),
        ]
    }
}

fn any(globs: &[glob::Pattern], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

fn glob(text: &str) -> Result<glob::Pattern, CompileError> {
    glob::Pattern::new(text).map_err(|error| CompileError::Glob { glob: text.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_must_hold_and_what_is_not_known_passes() {
        let scope = |text: &str| CompiledScope::new(&serde_json::from_str::<Scope>(text).unwrap()).unwrap();
        let (log, event, status) = (Origin::Log, Origin::Event, Origin::Status);
        let table = [
            ("{}", log, None, None, true),
            ("{}", event, Some("BackOff"), Some("web"), true),
            (r#"{"source":["event","status"]}"#, log, None, None, false),
            (r#"{"source":["event","status"]}"#, status, None, None, true),
            (r#"{"reason":["Back*"]}"#, log, None, None, false),
            (r#"{"reason":["Back*","Err*"]}"#, event, Some("BackOff"), None, true),
            (r#"{"reason":["Back*"]}"#, event, Some("Failed"), None, false),
            (r#"{"source":["event"],"reason":["Back*"]}"#, status, Some("BackOff"), None, false),
            (r#"{"container":["web*"]}"#, log, None, None, true),
            (r#"{"container":["web*"]}"#, log, None, Some("web-1"), true),
            (r#"{"container":["web*"]}"#, status, Some("BackOff"), Some("db"), false),
        ];
        for (text, origin, reason, container, want) in table {
            let subject = Subject { text: b"", origin, reason, container, field: &|_| None };
            assert_eq!(scope(text).takes(&subject), want, "{text} {origin:?} {reason:?} {container:?}");
        }
        let logs = [r#"{"source":["log"]}"#, r#"{"source":["event"]}"#, r#"{"reason":["*"]}"#, "{}"];
        assert_eq!(logs.map(|text| scope(text).takes_logs()), [true, false, false, true]);
    }
}
