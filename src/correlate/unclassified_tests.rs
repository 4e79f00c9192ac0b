use super::*;
use crate::export::fixture;
use crate::pattern::model::Severity;
use crate::pattern::unclassified;

const PERIOD: Duration = Duration::from_secs(600);

fn event(message: &str) -> Event {
    let attributes = vec![Attribute { name: TEMPLATE, value: Value::Text(message.into()) }];
    Event { pattern: unclassified::pattern(Severity::Error), attributes, body: message.into(), ..fixture::plain() }
}

/// Number, template and body.
fn told(event: &Event) -> (u64, Cow<'_, str>, &str) {
    (event.occurrences, message(event), &event.body)
}

#[test]
fn a_template_is_told_once_and_then_counted() {
    let start = Instant::now();
    let at = |second| start + Duration::from_secs(second);
    let mut reports = Reports::new(PERIOD, 10);
    let mut take = |message: &str, file, second| {
        let out = reports.take(event(message), file, at(second), || (file, second));
        out.map(|event| event.body)
    };
    assert_eq!(take("pear a of press is lost", 1, 0).as_deref(), Some("pear a of press is lost"));
    assert_eq!(take("pear b of press is lost", 1, 1), None);
    assert_eq!(take("press is out of order", 1, 2).as_deref(), Some("press is out of order"));
    // Whatever file it comes from: it is the template that is told.
    assert_eq!(take("pear c of press is lost", 2, 3), None);
    assert_eq!(take("pear d of press is lost", 2, 4), None);
    assert_eq!(reports.next_end(), Some(at(600)));
    let [Summary { event: last, holds }] = &reports.due(at(602))[..] else { panic!("one summary") };
    assert_eq!(told(last), (3, "pear <*> of press is lost".into(), "pear d of press is lost"));
    assert_eq!(holds, &[(1, 1), (2, 3)]);
    // A period without any, and the next is told at once.
    assert_eq!(reports.due(at(1202)).len(), 0);
    assert!(reports.take(event("pear e of press is lost"), 1, at(1300), || (1, 1300)).is_some());
}

#[test]
fn templates_are_bounded_and_nothing_is_lost() {
    let now = Instant::now();
    let mut reports = Reports::new(PERIOD, 2);
    let (mut out, mut counted, mut holds) = (0, 0, 0);
    for number in 0..100 {
        let name = ["ants", "bees", "cows", "dogs"][number % 7 % 4];
        out += u64::from(reports.take(event(name), 0, now, || holds += 1).is_some());
        counted += reports.overflow().iter().map(|summary| summary.event.occurrences).sum::<u64>();
        assert!(reports.templates() <= 2);
    }
    counted += reports.close().iter().map(|summary| summary.event.occurrences).sum::<u64>();
    assert_eq!(out + counted, 100);
    assert!(reports.take_evicted() > 0 && reports.take_evicted() == 0);
}

#[test]
fn a_census_counts_by_template() {
    let mut census = Census::new(2);
    let mut gone = Vec::new();
    for message in
        ["press is out of order", "pear a of press is lost", "pear b of press is lost", "no figs", "no figs", "no figs"]
    {
        gone.extend(census.observe(event(message)).map(Found::into_event));
    }
    assert_eq!(
        gone.iter().map(told).collect::<Vec<_>>(),
        [(1, "press is out of order".into(), "press is out of order")]
    );
    let found: Vec<Event> = census.found().into_iter().cloned().map(Found::into_event).collect();
    let want = [(3, "no figs".into(), "no figs"), (2, "pear <*> of press is lost".into(), "pear a of press is lost")];
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), want);
    assert_eq!(census.counts(), (6, 3));
}

/// What only a generic pattern knows goes by its exception, wherever it was thrown.
#[test]
fn an_exception_is_known_by_its_type_and_message() {
    let table = [
        (Some("PearError"), Some("tank 7 is full\nsee the manual"), "PearError: tank <*> is full"),
        (Some("PearError"), Some(""), "PearError"),
        (Some("PearError"), None, "PearError"),
        (None, Some("tank 7 is full"), "File \"<*>\", line <*>, in press"),
    ];
    for (kind, message, want) in table {
        let (kind, message) = (kind.map(str::to_owned), message.map(str::to_owned));
        let exception = Some(Exception { kind, message, stacktrace: None });
        let body = "  File \"/srv/press.py\", line 3, in press".into();
        let mut census = Census::new(10);
        census.observe(Event { exception, body, attributes: Vec::new(), ..fixture::plain() });
        assert_eq!(census.found()[0].template, want);
    }
}
