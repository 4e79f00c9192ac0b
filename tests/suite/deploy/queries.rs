//! Alerts and dashboard ask for metrics and labels that the real binary serves, and the alerts are the same wherever they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::documents::{deploy, of_folder, read, text};
use crate::run_live::{address, get};
use crate::site::{Log, Site, wait};

/// Every expression of the alerts.
fn alert_expressions() -> Vec<String> {
    let rules = read(&deploy("alerts/faultscope.yaml")).remove(0);
    let groups = rules["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    rules.map(|rule| rule["expr"].as_str().unwrap().to_owned()).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&text(&deploy("grafana/faultscope.json"))).unwrap()
}

/// Every expression of the dashboard's panels.
fn panel_expressions() -> Vec<String> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// Metrics with the labels that each has.
type Served = BTreeMap<String, BTreeSet<String>>;

static LABEL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"(\w+)(?:=~|!=|!~|=)""#).unwrap());

/// What a page of metrics holds.
fn served(page: &str) -> Served {
    let line = Regex::new(r"^(\w+)(?:\{(.*)\})? \S+$").unwrap();
    let mut all = Served::new();
    for line in page.lines().filter_map(|text| line.captures(text)) {
        let labels = line.get(2).map_or("", |labels| labels.as_str());
        all.entry(line[1].to_owned()).or_default().extend(LABEL.captures_iter(labels).map(|label| label[1].to_owned()));
    }
    all
}

/// Metrics in an expression, with the labels that it selects or groups by. Grouping is told by the whole expression: it holds for each metric in it.
fn asked(expression: &str) -> Served {
    let metric = Regex::new(r"\b(faultscope_\w+)(?:\{([^}]*)\})?").unwrap();
    let grouping = Regex::new(r"\b(?:by|without|on) \(([^)]*)\)").unwrap();
    let grouped =
        grouping.captures_iter(expression).flat_map(|by| by[1].split(", ").map(str::to_owned).collect::<Vec<_>>());
    let grouped: BTreeSet<String> = grouped.filter(|label| !label.is_empty()).collect();
    let mut all = Served::new();
    for found in metric.captures_iter(expression) {
        let selected = found.get(2).map_or("", |labels| labels.as_str());
        let labels = all.entry(found[1].to_owned()).or_default();
        labels.extend(LABEL.captures_iter(selected).map(|label| label[1].to_owned()));
        labels.extend(grouped.clone());
    }
    all
}

/// Given by whoever scrapes.
const OF_THE_TARGET: [&str; 4] = ["instance", "job", "node", "pod"];

/// What `expressions` ask for and `page` doesn't have.
fn missing(expressions: &[String], page: &str) -> Vec<String> {
    let served = served(page);
    let mut missing = Vec::new();
    for (metric, labels) in expressions.iter().flat_map(|expression| asked(expression)) {
        match served.get(&metric) {
            None => missing.push(metric),
            Some(has) => {
                let wanted =
                    labels.iter().filter(|label| !has.contains(*label) && !OF_THE_TARGET.contains(&label.as_str()));
                missing.extend(wanted.map(|label| format!("{metric}{{{label}}}")));
            }
        }
    }
    missing
}

/// A counter is only served once it has counted something, so each of them gets something to count.
#[test]
fn every_query_asks_for_what_is_served() {
    let expressions = [alert_expressions(), panel_expressions()].concat();
    assert!(expressions.len() > 40, "{}", expressions.len());
    let site = Site::new();
    let export = site.path("events.jsonl").display().to_string();
    site.configure(&format!(
        "export: {{ jsonl: {{ path: {export} }} }}\nrepeats: {{ window: 1h }}\nrate_limit: {{ events: 3, period: 1h }}\nlimits: {{ attribute_bytes: 1024 }}\nadmin: {{ listen: '127.0.0.1:0' }}"
    ));
    let agent = site.start();
    let address = address(&agent);
    let mut log = Log::open(&site.log("saw-0", 0));
    // A failure with a secret and more text than an attribute may have, its cause after it, a repeat, and more than the rate allows.
    log.write(&[&format!("PumpError: stuck; password=n0t-a-real-0ne {}", "x".repeat(2000))]);
    site.wait_for(1);
    log.fail(7);
    site.wait_for(2);
    log.fail(7);
    (100..110).for_each(|number| log.fail(number));
    let page = wait("the last of the counters", || {
        let page = get(&address, "/metrics").1;
        ["faultscope_dropped_total", "faultscope_limits_hit_total"]
            .iter()
            .all(|name| page.contains(name))
            .then_some(page)
    });
    assert_eq!(missing(&expressions, &page), [""; 0]);
    agent.stop();
}

#[test]
fn a_metric_or_label_that_is_not_served_is_found() {
    let page = "# TYPE faultscope_lost_bytes_total counter\nfaultscope_lost_bytes_total{reason=\"deleted\"} 0\nfaultscope_ready 1\n";
    let table = [
        ("sum by (reason, instance) (increase(faultscope_lost_bytes_total{reason=~\"del.*\"}[10m]))", vec![]),
        ("faultscope_ready{instance=\"a\"} == 0", vec![]),
        ("sum by (why) (faultscope_lost_bytes_total)", vec!["faultscope_lost_bytes_total{why}"]),
        ("faultscope_ready{cause!=\"x\"} > 0", vec!["faultscope_ready{cause}"]),
        ("rate(faultscope_gone_total[5m]) > faultscope_ready", vec!["faultscope_gone_total"]),
    ];
    for (expression, want) in table {
        assert_eq!(missing(&[expression.to_owned()], page), want, "{expression}");
    }
}

#[test]
fn the_operators_rule_is_the_rule_file() {
    let rules = read(&deploy("alerts/faultscope.yaml")).remove(0);
    let monitoring = of_folder("kustomize/components/monitoring");
    let rule = monitoring.iter().find(|manifest| manifest.kind() == "PrometheusRule").unwrap();
    assert_eq!(rule.value["spec"], rules);
    let config_map = monitoring.iter().find(|manifest| manifest.kind() == "ConfigMap").unwrap();
    let held: Value = serde_json::from_str(config_map.value["data"]["faultscope.json"].as_str().unwrap()).unwrap();
    assert_eq!(held, dashboard());
}

/// Who is woken has to be told what it is and what to do.
#[test]
fn every_alert_says_what_and_what_to_do() {
    let rules = read(&deploy("alerts/faultscope.yaml")).remove(0);
    let tests = text(&deploy("alerts/tests.yaml"));
    let groups = rules["groups"].as_array().unwrap().iter();
    for rule in groups.flat_map(|group| group["rules"].as_array().unwrap()) {
        let name = rule["alert"].as_str().unwrap();
        assert!(["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        for key in ["summary", "description"] {
            assert!(rule["annotations"][key].as_str().is_some_and(|text| text.len() > 15), "{name}: {key}");
        }
        assert!(
            tests.contains(&format!("alertname: {name}\n        exp_alerts:")),
            "{name} is tested by nothing that expects it"
        );
    }
}

#[test]
fn every_panel_has_its_place_and_its_queries() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(x + w <= 24, "{title} is cut off");
        let cells = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
        assert!(cells.into_iter().all(|cell| taken.insert(cell)), "{title} lies on another panel");
        let queries = panel["targets"].as_array().map_or(0, Vec::len);
        assert_eq!(queries == 0, panel["type"] == "row", "{title}");
    }
}
