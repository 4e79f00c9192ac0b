use super::*;
use crate::classify::Limits;
use crate::export::fixture;
use crate::frame::Format;
use crate::pattern::PatternSet;
use crate::pattern::model::Severity;
use crate::pattern::sources::PackSource;

const PACK: &str = "patterns:
  - { id: press.drum.jam, title: t, severity: error, category: crash, where: { source: [status, event] }, cause: c, fix: [f], references: [r],
      match: { all: ['jammed by '], regex: 'jammed by (?<detail>\\w+)' }, explains: [press.drum.stopped],
      tests: { fires: [{ source: status, log: 'jammed by pears' }], silent: [{ log: 'jammed by pears' }] } }
  - { id: press.drum.stopped, title: t, severity: warn, category: crash, cause: c, fix: [f], references: [r],
      match: [{ where: { reason: [Stop*] }, all: ['press'] }, { all: ['the press stands still'] }],
      tests: { fires: [{ source: status, reason: Stopped, log: press }], silent: [{ log: press }, { source: status, log: press }] } }
";

fn classifier(min_severity: Severity) -> Arc<Classifier> {
    let source = PackSource { name: "p.yaml".into(), text: PACK.into(), builtin: false };
    let set = PatternSet::load(&[source]).unwrap_or_else(|problems| panic!("{}", problems[0]));
    Arc::new(Classifier { set, format: Format::Auto, limits: Limits::default(), min_severity, redact: true })
}

fn judged(origin: Origin, reason: &str, text: &str, min_severity: Severity) -> Judged {
    let resource = Arc::new(Resource { attributes: vec![fixture::text("k8s.pod.name", "press-0")] });
    let said = Said {
        text,
        origin,
        reason,
        container: None,
        field: &|_| None,
        place: "status of pod/press-0",
        identity: "u1/press/0",
        time: Some("2031-03-09T04:05:06Z".parse().unwrap()),
        attributes: &[fixture::int("process.exit.code", 1)],
        resource: &resource,
        count: 3,
    };
    judge(&classifier(min_severity), &said, Timestamp::UNIX_EPOCH)
}

fn ids(judged: &Judged) -> (Option<&str>, Vec<&str>) {
    (
        judged.event.as_ref().map(|e| e.pattern.id.as_str()),
        judged.effects.iter().map(|e| e.pattern.id.as_str()).collect(),
    )
}

#[test]
fn the_pattern_that_speaks_and_what_it_explains() {
    let none: &[&str] = &[];
    let stopped: &[&str] = &["press.drum.stopped"];
    let table = [
        (Origin::Status, "Stopped", "the press is jammed by pears", Severity::Info, Some("press.drum.jam"), stopped),
        (Origin::Status, "Stopped", "the press is jammed by pears", Severity::Error, Some("press.drum.jam"), none),
        (Origin::Status, "Stopped", "the press", Severity::Info, Some("press.drum.stopped"), none),
        (Origin::Status, "", "the press", Severity::Info, None, none),
        (Origin::Event, "", "the press stands still", Severity::Info, Some("press.drum.stopped"), none),
        (Origin::Condition, "Jam", "jammed by pears", Severity::Info, None, none),
        (Origin::Status, "Stopped", "the press", Severity::Error, None, none),
    ];
    for (origin, reason, text, severity, speaker, effects) in table {
        assert_eq!(
            ids(&judged(origin, reason, text, severity)),
            (speaker, effects.to_vec()),
            "{origin:?} {reason} {text}"
        );
    }
}

#[test]
fn an_event_tells_what_the_statement_does() {
    let text = "the press is jammed by pears\npassword=hunter2-orchard";
    let judged = judged(Origin::Status, "Stopped", text, Severity::Info);
    let event = judged.event.unwrap();
    let names: Vec<&str> = event.attributes.iter().map(|attribute| attribute.name).collect();
    assert_eq!(names, ["faultscope.detail", "faultscope.source", "faultscope.reason", "process.exit.code"]);
    assert_eq!((event.body.as_str(), &*event.source), ("the press is jammed by pears", "status of pod/press-0"));
    assert_eq!((event.occurrences, event.origin, event.also.len()), (3, Origin::Status, 1));
    assert_eq!(event.resource.text("k8s.pod.name"), Some("press-0"));
    assert!(!event.record.contains("hunter2") && judged.redacted > 0, "{}", event.record);
    let effect = &judged.effects[0];
    assert_ne!(effect.uid, event.uid);
    assert_eq!(effect.also.iter().map(|id| &**id).collect::<Vec<_>>(), ["press.drum.jam"]);
}

#[test]
fn the_examples_of_a_pack_may_be_statements() {
    let classifier = classifier(Severity::Info);
    for located in &classifier.set.patterns {
        let failed = crate::classify::examples::run(&classifier, located);
        assert!(failed.is_empty(), "{}: {}", located.pattern.id, failed[0].failure);
    }
    // What can't be a log is not looked for in logs.
    assert_eq!(classifier.set.engine.anchors_of(0).count(), 0);
    assert_eq!(classifier.set.engine.anchors_of(1).count(), 1);
}
