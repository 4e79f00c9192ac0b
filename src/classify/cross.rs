//! Patterns that recognise each other's examples: two names for one failure, or a cause that nobody declared.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Classifier;
use super::examples::events_of_example;
use crate::pattern::model::Pattern;

/// Two patterns that match the same record without a relation (`explains`, `also`, `generic`) that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The two ids, in order.
    pub ids: [String; 2],
    /// Of the firing examples of each, how many the other matches too.
    pub examples: [usize; 2],
}

impl Overlap {
    /// Does each match an example of the other? These two are likely one failure.
    pub fn mutual(&self) -> bool {
        self.examples.iter().all(|&count| count > 0)
    }
}

/// Every undeclared overlap in the firing examples of the classifier's patterns; the mutual ones first, else by id.
pub fn overlaps(classifier: &Arc<Classifier>) -> Vec<Overlap> {
    let mut found: BTreeMap<[&str; 2], [usize; 2]> = BTreeMap::new();
    let set = &classifier.set;
    for located in &set.patterns {
        let own = located.pattern.id.as_str();
        for example in &located.pattern.tests.fires {
            let mut others: Vec<&Pattern> = Vec::new();
            for event in events_of_example(classifier, example) {
                // What stands in another record of the example is that record's business.
                let names: Vec<&str> =
                    std::iter::once(&*event.pattern.id).chain(event.also.iter().map(|id| &**id)).collect();
                if names.contains(&own) {
                    others.extend(names.iter().filter_map(|id| set.get(id)).map(|other| &*other.pattern));
                }
            }
            others.retain(|other| other.id != own && !related(&located.pattern, other));
            others.sort_by_key(|other| &other.id);
            others.dedup_by_key(|other| &other.id);
            for other in others {
                let first = own < other.id.as_str();
                let ids = if first { [own, &other.id] } else { [&other.id, own] };
                found.entry(ids).or_default()[usize::from(!first)] += 1;
            }
        }
    }
    let overlap = |(ids, examples): ([&str; 2], [usize; 2])| Overlap { ids: ids.map(str::to_owned), examples };
    let mut overlaps: Vec<Overlap> = found.into_iter().map(overlap).collect();
    overlaps.sort_by_key(|overlap| !overlap.mutual());
    overlaps
}

fn related(one: &Pattern, other: &Pattern) -> bool {
    let names = |a: &Pattern, b: &Pattern| a.explains.contains(&b.id) || a.also.contains(&b.id);
    one.generic || other.generic || names(one, other) || names(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Limits;
    use crate::frame::Format;
    use crate::pattern::PatternSet;
    use crate::pattern::model::Severity;
    use crate::pattern::sources::PackSource;

    fn pattern(name: &str, literal: &str, more: &str, log: &str) -> String {
        format!(
            "  - {{ id: a.b.{name}, title: t, severity: info, category: crash, match: {{ all: ['{literal}'] }}, {more} cause: c, \
             fix: [f], references: [r], tests: {{ fires: [{{ log: \"{log}\" }}], silent: [{{ log: x }}] }} }}\n"
        )
    }

    #[test]
    fn what_matches_without_a_relation_is_told() {
        let table = [
            ("", "", Some(([1, 1], true))),
            ("also: [a.b.two],", "", None),
            ("", "also: [a.b.one],", None),
            ("explains: [a.b.two],", "", None),
            ("generic: true,", "", None),
        ];
        for (one, two, want) in table {
            let text = [
                "patterns:\n".to_owned(),
                pattern("one", "fell off", one, "pears fell off"),
                pattern("two", "pears", two, "pears fell off"),
            ];
            let got = overlaps(&classifier(&text.concat()));
            assert_eq!(got.first().map(|overlap| (overlap.examples, overlap.mutual())), want, "{one} {two}");
        }
    }

    #[test]
    fn mutual_ones_come_first_and_other_records_do_not_count() {
        let text = [
            "patterns:\n".to_owned(),
            pattern("one", "pears", "", "apples\\npears ripe"),
            pattern("two", "ripe", "", "figs ripe"),
            pattern("three", "apples", "", "apples"),
            pattern("z4", "figs and", "", "dates, figs and"),
            pattern("z5", "dates", "", "dates, figs and"),
        ];
        let got: Vec<_> = overlaps(&classifier(&text.concat())).into_iter().map(|o| (o.ids, o.examples)).collect();
        let ids = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(got, [(ids("a.b.z4", "a.b.z5"), [1, 1]), (ids("a.b.one", "a.b.two"), [1, 0])]);
    }

    fn classifier(text: &str) -> Arc<Classifier> {
        let source = PackSource { name: "p.yaml".into(), text: text.to_owned().into(), builtin: false };
        let set = PatternSet::load(&[source]).unwrap_or_else(|problems| panic!("{}", problems[0]));
        Arc::new(Classifier {
            set,
            format: Format::Auto,
            limits: Limits::default(),
            min_severity: Severity::Info,
            redact: false,
        })
    }
}
