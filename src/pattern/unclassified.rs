//! What is said of a failure that no pattern knows: an event like any other, of a pattern that stands for all of them.

use std::sync::{Arc, LazyLock};

use super::model::{Category, Condition, Matches, Pattern, Scope, Severity, Tests};

/// The pattern's id. No pack can have it: it has two parts.
pub const ID: &str = "faultscope.unclassified";

/// The attribute that holds what such failures have in common: their message with `<*>` for what varies.
pub const TEMPLATE: &str = "faultscope.template";

/// The pattern that events of such failures have: as grave as the log says the failure is.
pub fn pattern(severity: Severity) -> Arc<Pattern> {
    static ALL: LazyLock<[(Severity, Arc<Pattern>); 3]> =
        LazyLock::new(|| [Severity::Warn, Severity::Error, Severity::Fatal].map(|each| (each, Arc::new(made(each)))));
    let known = ALL.iter().find(|(of, _)| *of == severity);
    known.map_or_else(|| Arc::new(made(severity)), |(_, pattern)| pattern.clone())
}

fn made(severity: Severity) -> Pattern {
    Pattern {
        id: ID.into(),
        title: "An error that no pattern knows".into(),
        severity,
        category: Category::Unknown,
        scope: Scope::default(),
        matches: Matches::One(Condition::default()),
        generic: true,
        cause: "The log calls it an error, or shows an exception, and no pattern recognises it.".into(),
        fix: vec![
            "Read the record, and what the log says before it.".into(),
            "If it comes again, `faultscope patterns suggest` drafts a pattern of it.".into(),
        ],
        references: Vec::new(),
        explains: Vec::new(),
        also: Vec::new(),
        tests: Tests { fires: Vec::new(), silent: Vec::new() },
    }
}
