use super::*;
use crate::pattern::model::{Category, Severity};
use crate::yaml;

fn load(text: &str) -> (Vec<Rule>, Vec<String>) {
    let root = yaml::parse(text).unwrap();
    assert!(is_document(&root));
    let (rules, mistakes) = read(&root, &"r.yaml".into());
    (rules, mistakes.iter().map(|mistake| mistake.to_string()).collect())
}

fn rule(body: &str) -> Result<Rule, String> {
    let body = body.replace('\n', "\n      ");
    let text = format!("rules:\n  - cre: {{ id: CRE-2031-0001 }}\n    rule:\n      {body}\n");
    let (mut rules, mistakes) = load(&text);
    rules.pop().ok_or_else(|| mistakes.join("\n"))
}

#[test]
fn what_the_author_says_is_kept() {
    let (rules, mistakes) = load(
        "rules:
  - metadata: { id: aB3dE6gH9jK2, hash: xYz, gen: 1 }
    cre:
      id: CRE-2031-0002
      severity: 3
      title: The pump is out of oil
      category: in-memory-database-problem
      cause: Nobody has filled it.
      impact: It stops.
      impactScore: 7
      mitigation: |
        1. Fill it.
           Slowly.
        2. Start it again.
      tags: [pump, oil]
      references: ['https://example.com/oil']
      applications: [{ name: pump, version: '3.x' }, { name: saw }]
    rule: { set: { event: { source: cre.log.pump }, match: [{ value: out of oil }] } }
",
    );
    assert_eq!(mistakes, [""; 0]);
    let Rule { pattern, attributes, logic, line, remarks, .. } = &rules[0];
    assert_eq!(
        (pattern.id.as_str(), pattern.severity, pattern.category),
        ("CRE-2031-0002", Severity::Warn, Category::Database)
    );
    assert_eq!(pattern.fix, ["Fill it.\n   Slowly.", "Start it again."]);
    assert_eq!((*line, remarks.len(), logic.is_stateless()), (2, 0, true));
    let told: Vec<String> = attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let want = [
        "cre.category=in-memory-database-problem",
        "cre.impact=It stops.",
        "cre.tags=pump, oil",
        "cre.applications=pump, saw",
        "cre.rule.id=aB3dE6gH9jK2",
        "cre.rule.hash=xYz",
        "cre.event.source=cre.log.pump",
        "cre.severity=3",
        "cre.impact_score=7",
    ];
    assert_eq!(told, want);
}

#[test]
fn logic_and_its_counts() {
    let table: &[(&str, &str)] = &[
        ("set: { match: [x] }", "{x1} None"),
        ("set: { match: [{ value: x, count: 3 }, x], window: 1m }", "{x4} Some(60s)"),
        ("sequence: { order: [x, x, y, x], window: 5s }", "[x2 y1 x1] Some(5s)"),
        ("set: { match: [x], negate: [y] }", "{x1} None !y"),
    ];
    for (body, want) in table {
        let Logic { ordered, steps, window, negations } = Arc::unwrap_or_clone(rule(body).unwrap().logic);
        let word = |term: &Term| match term {
            Term::Value(text) | Term::Regex(text) | Term::Jq(text) => text.clone(),
        };
        let steps =
            steps.iter().map(|step| format!("{}{}", word(&step.term), step.count)).collect::<Vec<_>>().join(" ");
        let steps = if ordered { format!("[{steps}]") } else { format!("{{{steps}}}") };
        let negations: String = negations.iter().map(|negation| format!(" !{}", word(&negation.term))).collect();
        assert_eq!(format!("{steps} {window:?}{negations}"), *want, "{body}");
    }
}

#[test]
fn named_terms_stand_for_what_is_written_under_their_name() {
    let (rules, _) = load(
        "rules:
  - cre: { id: CRE-2031-0003 }
    rule: { sequence: { window: 9s, order: [oil, { value: plain }], negate: [filled] } }
terms:
  oil: { regex: 'out of (oil|grease)', count: 2 }
  filled: { value: has been filled }
",
    );
    let logic = &rules[0].logic;
    assert_eq!(logic.steps[0], Step { term: Term::Regex("out of (oil|grease)".into()), count: 2 });
    assert_eq!(logic.steps[1].term, Term::Value("plain".into()));
    assert_eq!(logic.negations[0].term, Term::Value("has been filled".into()));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let table = [
        ("set: { match: [] }", "4:12: `match` has no terms"),
        ("set: { match: [x, y] }", "4:12: `window` is missing: two or more terms want one, such as `window: 30s`"),
        ("set: { match: [x, y], window: soon }", "4:37: no duration; it is written as `30s`, `5m` or `1h30m`"),
        ("set: { match: [{ valeu: x }] }", "4:22: a term wants `value`, `regex` or `jq`, as text"),
        ("set: { match: [{ value: x, regex: y }] }", "4:22: a term has one of `value`, `regex` and `jq`, not several"),
        ("set: { match: [{ value: x, count: 0 }] }", "4:41: `count` is a number from 1 to 1000"),
        (
            "set: { match: [x], negate: [{ value: y, anchor: 1 }] }",
            "4:55: `anchor` is a number below 1: one of the entries",
        ),
        (
            "set: { match: [{ promql: { expr: up } }] }",
            "4:32: `promql` inside a term needs the vendor's own platform and can't be run here",
        ),
        ("{}", "4:7: the rule has neither `set` nor `sequence`"),
    ];
    for (body, want) in table {
        assert_eq!(rule(body).map(|rule| rule.logic).unwrap_err(), want, "{body}");
    }
    let (_, mistakes) = load("rules: [{ cre: { id: '?' }, rule: {} }, { cre: {} }]");
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
}

#[test]
fn what_has_no_effect_is_remarked() {
    let table = [
        ("set: { match: [x] }\nsequence: { order: [x] }", "`set` stands beside `sequence` and has no effect"),
        ("set: { match: [{ value: x, field: message }] }", "`field` has no effect: the whole entry is looked at"),
        (
            "set: { match: [x], widnow: 3s }",
            "`set` has the key `widnow`, which is not in the language and has no effect",
        ),
        (
            "set: { match: [x], correlations: [hostname] }",
            "`correlations` has no effect: a rule's entries are those of one container",
        ),
    ];
    for (body, want) in table {
        assert_eq!(rule(body).unwrap().remarks, [want], "{body}");
    }
    assert_eq!(rule("set: { match: [x], negate: [y] }").unwrap().remarks.len(), 1);
}
