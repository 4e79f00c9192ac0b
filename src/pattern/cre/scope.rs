//! Which containers a community rule is for, where somebody says which containers its event source is.
//!
//! A rule names the kind of log that it is written for (`cre.log.rabbitmq`); which containers write such logs, only their owner knows. Without
//! being told, a rule is for all.

use thiserror::Error;

use super::Rule;
use crate::pattern::model::FieldValue;

/// The attribute that has a rule's event source.
const SOURCE: &str = "cre.event.source";

/// Event sources and the containers that they are.
#[derive(Clone, Debug, Default)]
pub struct EventSources(Vec<EventSource>);

/// A kind of event source.
#[derive(Clone, Debug)]
struct EventSource {
    /// Its name, as a glob.
    name: glob::Pattern,
    containers: Vec<glob::Pattern>,
}

/// Why an event source can't be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EventSourceError {
    /// Neither its name nor a container may be anything but a glob.
    #[error("`{glob}` is no glob: {reason}")]
    Glob {
        /// As written.
        glob: String,
        /// Why.
        reason: String,
    },
    /// A source that no container is.
    #[error("the event source `{0}` has no containers; give at least one glob, such as `{0}: [rabbitmq*]`")]
    NoContainers(String),
}

impl EventSources {
    /// Adds an event source, by a glob of its name, and the globs of the containers that are such.
    ///
    /// # Errors
    /// What is no glob, and a source without containers.
    pub fn add(&mut self, name: &str, containers: &[String]) -> Result<(), EventSourceError> {
        let compile = |glob: &str| {
            let wrong =
                |error: glob::PatternError| EventSourceError::Glob { glob: glob.into(), reason: error.msg.into() };
            glob::Pattern::new(glob).map_err(wrong)
        };
        if containers.is_empty() {
            return Err(EventSourceError::NoContainers(name.into()));
        }
        let containers = containers.iter().map(|glob| compile(glob)).collect::<Result<_, _>>()?;
        self.0.push(EventSource { name: compile(name)?, containers });
        Ok(())
    }

    /// Holds rules to the containers of their event sources. Gives the names that are no rule's.
    pub(super) fn hold(&self, rules: &mut [Rule]) -> Vec<String> {
        let is_of = |source: &EventSource, rule: &Rule| rule.source().is_some_and(|name| source.name.matches(name));
        for rule in rules.iter_mut() {
            let own = self.0.iter().filter(|source| is_of(source, rule));
            rule.containers = own.flat_map(|source| source.containers.iter().cloned()).collect();
        }
        let of_none = self.0.iter().filter(|source| !rules.iter().any(|rule| is_of(source, rule)));
        of_none.map(|source| source.name.as_str().to_owned()).collect()
    }
}

impl Rule {
    /// The kind of log that it is written for.
    pub fn source(&self) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| *name == SOURCE).and_then(|(_, value)| match value {
            FieldValue::Text(text) => Some(text.as_str()),
            FieldValue::Int(_) | FieldValue::Bool(_) => None,
        })
    }

    /// Is it for the log of this container? A container that isn't known passes, and so does any if nobody said which.
    pub fn is_for(&self, container: Option<&str>) -> bool {
        let globs = &self.containers;
        container.is_none_or(|name| globs.is_empty() || globs.iter().any(|glob| glob.matches(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::cre;
    use crate::yaml;

    fn rules() -> Vec<Rule> {
        let rule = |(number, source): (usize, &&str)| {
            format!(
                "  - {{ cre: {{ id: CRE-2031-{number:04} }}, rule: {{ set: {{ {source} match: [the pump] }} }} }}\n"
            )
        };
        let sources = ["event: { source: cre.log.pump },", "event: { source: cre.log.pump-operator },", ""];
        let text = format!("rules:\n{}", sources.iter().enumerate().map(rule).collect::<String>());
        let (rules, mistakes) = cre::read(&yaml::parse(&text).unwrap(), &"r.yaml".into());
        assert!(mistakes.is_empty(), "{mistakes:?}");
        rules
    }

    #[test]
    fn rules_are_held_to_the_containers_of_their_source() {
        type Given<'t> = &'t [(&'t str, &'t [&'t str])];
        let table: &[(Given<'_>, Option<&str>, [bool; 3])] = &[
            (&[], Some("saw"), [true, true, true]),
            (&[("cre.log.pump", &["pump", "pump-?"])], Some("saw"), [false, true, true]),
            (&[("cre.log.pump", &["pump", "pump-?"])], Some("pump-1"), [true, true, true]),
            (&[("cre.log.pump*", &["pump"])], Some("saw"), [false, false, true]),
            (&[("cre.log.pump*", &["pump"]), ("cre.log.pump", &["saw"])], Some("saw"), [true, false, true]),
            (&[("cre.log.pump*", &["pump"])], None, [true, true, true]),
        ];
        for (given, container, want) in table {
            let mut sources = EventSources::default();
            for (name, globs) in *given {
                sources.add(name, &globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>()).unwrap();
            }
            let mut rules = rules();
            assert_eq!(sources.hold(&mut rules), [""; 0]);
            let got: Vec<bool> = rules.iter().map(|rule| rule.is_for(*container)).collect();
            assert_eq!(got, want, "{given:?} {container:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let mut sources = EventSources::default();
        let glob = |text: &str| vec![text.to_owned()];
        assert!(sources.add("a", &[]).unwrap_err().to_string().contains("has no containers"));
        assert!(sources.add("a", &glob("[")).unwrap_err().to_string().starts_with("`[` is no glob: "));
        assert!(sources.add("a[", &glob("x")).is_err());
        sources.add("cre.log.pmup", &glob("pump")).unwrap();
        assert_eq!(sources.hold(&mut rules()), ["cre.log.pmup"]);
    }
}
