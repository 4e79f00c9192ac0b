//! `faultscope run`, the real binary, while it runs: repeats folded, settings and packs exchanged, secrets masked, health and metrics served.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::site::{Agent, Log, Site, failure, number, numbers, wait};

/// The configuration of a site, with more.
fn configure(site: &Site, more: &str) {
    site.configure(&format!("export: {{ jsonl: {{ path: {} }} }}\n{more}", site.path("events.jsonl").display()));
}

/// Where health and metrics are served, by the agent's own word.
pub fn address(agent: &Agent) -> String {
    wait("the address", || {
        let log = agent.stderr();
        let line = log.lines().find(|line| line.contains("serving /metrics"))?;
        Some(line.split_once("address=")?.1.split_whitespace().next()?.to_owned())
    })
}

/// Status and body of a page.
pub fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: faultscope\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The value of a metric, labels and all.
fn metric(address: &str, name: &str) -> Option<f64> {
    let (_, body) = get(address, "/metrics");
    let line = body.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn occurrences(events: &[Value]) -> Vec<(usize, u64)> {
    events.iter().map(|event| (number(event), event["occurrences"].as_u64().unwrap())).collect()
}

#[test]
fn repeats_are_told_once_and_counted() {
    let site = Site::new();
    configure(&site, "repeats: { window: 1h }");
    let mut crashing = Log::open(&site.log("saw-0", 0));
    let agent = site.start();
    (0..5000).for_each(|_| crashing.fail(7));
    site.wait_for(1);
    // A restart is no news, and neither is the next one.
    Log::open(&site.log("saw-0", 1)).write(&[&failure(7), &failure(7), &failure(8)]);
    let events = site.wait_for(2);
    assert_eq!(occurrences(&events), [(7, 1), (8, 1)]);
    agent.stop();
    // A stop ends the window early: what was folded is told before the end.
    let events = site.events();
    assert_eq!(occurrences(&events), [(7, 1), (8, 1), (7, 5001)]);
    let again = site.start();
    Log::open(&site.log("saw-1", 0)).fail(9);
    let events = site.wait_for(4);
    assert_eq!(occurrences(&events[3..]), [(9, 1)], "nothing is told twice");
    again.stop();
}

#[test]
fn what_was_folded_and_not_told_is_read_again_after_a_kill() {
    let site = Site::new();
    configure(&site, "repeats: { window: 1h }\nadmin: { listen: '127.0.0.1:0' }");
    let mut log = Log::open(&site.log("saw-0", 0));
    let agent = site.start();
    (0..100).for_each(|_| log.fail(7));
    site.wait_for(1);
    let address = address(&agent);
    wait("all to be read", || metric(&address, "faultscope_repeats_folded_total").filter(|folded| *folded == 99.0));
    // Past a checkpoint or two.
    wait("the lag", || metric(&address, "faultscope_lines_read_total").filter(|lines| *lines == 100.0));
    agent.kill();
    let again = site.start();
    // The first that nobody was told of goes out at once, the rest at the end.
    site.wait_for(2);
    again.stop();
    let told: u64 = occurrences(&site.events()).iter().map(|(_, count)| count).sum();
    assert!(told >= 100, "{told} of 100 were told");
}

#[test]
fn a_noisy_container_is_held_back_and_counted() {
    let site = Site::new();
    configure(
        &site,
        "repeats: { window: 0s }\nrate_limit: { events: 5, period: 1h }\nadmin: { listen: '127.0.0.1:0' }",
    );
    let mut log = Log::open(&site.log("saw-0", 0));
    let agent = site.start();
    (0..50).for_each(|number| log.fail(number));
    let address = address(&agent);
    let dropped = "faultscope_dropped_total{reason=\"rate_limit\"}";
    wait("the rest to be dropped", || metric(&address, dropped).filter(|dropped| *dropped == 45.0));
    Log::open(&site.log("saw-1", 0)).fail(100);
    assert_eq!(numbers(&site.wait_for(6)), [0, 1, 2, 3, 4, 100]);
    agent.stop();
}

#[test]
fn a_pack_is_exchanged_while_it_runs_and_a_bad_one_is_not() {
    let site = Site::new();
    configure(&site, "repeats: { window: 0s }\nadmin: { listen: '127.0.0.1:0' }");
    let mut log = Log::open(&site.log("saw-0", 0));
    let agent = site.start();
    log.fail(1);
    site.wait_for(1);
    let address = address(&agent);
    let pack = fs::read_to_string(site.path("pack.yaml")).unwrap();

    fs::write(site.path("pack.yaml"), pack.replace("severity: error", "severity: terrible")).unwrap();
    wait("the bad pack to be refused", || metric(&address, "faultscope_reload_ok").filter(|ok| *ok == 0.0));
    assert!(agent.stderr().contains("unknown value `terrible`"), "{}", agent.stderr());
    let (_, ready) = get(&address, "/readyz");
    assert!(ready.contains("unknown value `terrible`"), "{ready}");
    log.fail(2);
    assert_eq!(numbers(&site.wait_for(2)), [1, 2], "the old pack is in use");

    fs::write(site.path("pack.yaml"), pack.replace("The pump has failed", "The pump has failed again")).unwrap();
    wait("the good pack", || metric(&address, "faultscope_reload_ok").filter(|ok| *ok == 1.0));
    log.fail(3);
    let event = site.wait_for(3).remove(2);
    assert_eq!(event["title"], "The pump has failed again");

    agent.signal("HUP");
    let done = "faultscope_reloads_total{outcome=\"ok\"}";
    wait("the reload that was asked for", || metric(&address, done).filter(|reloads| *reloads == 2.0));
    log.fail(4);
    site.wait_for(4);
    agent.stop();
}

#[test]
fn files_and_outputs_are_exchanged_while_it_runs() {
    let site = Site::new();
    let command = {
        // The configuration alone says what is read.
        let mut command = crate::support::faultscope();
        command.env_clear().arg("run").arg("--config").arg(site.path("config.yaml"));
        command.arg("--patterns").arg(site.path("pack.yaml")).arg("--no-builtin-patterns");
        command
    };
    let configure = |pods: &str, output: &str| {
        site.configure(&format!(
            "state_dir: {}\nsources: {{ files: {{ include: ['{}'], read_from: beginning }} }}\nexport: {{ jsonl: {{ path: {} }} }}",
            site.path("state").display(),
            site.path(&format!("pods/{pods}/*/*.log")).display(),
            site.path(output).display(),
        ));
    };
    configure("*saw-0*", "events.jsonl");
    Log::open(&site.log("saw-0", 0)).fail(1);
    let mut other = Log::open(&site.log("saw-1", 0));
    other.fail(2);
    let agent = site.start_as(command);
    assert_eq!(numbers(&site.wait_for(1)), [1]);
    configure("*saw*", "more.jsonl");
    let more = wait("the other output", || {
        fs::read_to_string(site.path("more.jsonl")).ok().filter(|text| text.ends_with('\n'))
    });
    assert_eq!(number(&serde_json::from_str(&more).unwrap()), 2);
    assert_eq!(site.events().len(), 1);
    agent.stop();
}

#[test]
fn an_output_that_is_not_required_holds_nothing_up() {
    let site = Site::new();
    site.configure(&format!(
        "export:\n  otlp: {{ endpoint: 'http://127.0.0.1:9', protocol: grpc, required: false }}\n  jsonl: [{{ path: {} }}]\nadmin: {{ listen: '127.0.0.1:0' }}",
        site.path("events.jsonl").display()
    ));
    let mut log = Log::open(&site.log("saw-0", 0));
    let agent = site.start();
    let address = address(&agent);
    for number in 0..200 {
        log.fail(number);
        // One by one, so that each is a batch of its own.
        site.wait_for(number + 1);
    }
    let missed = "faultscope_output_events_total{outcome=\"missed\",output=\"otlp http://127.0.0.1:9\"}";
    wait("what the other missed", || metric(&address, missed).filter(|missed| *missed > 100.0));
    // Only what is required counts.
    wait("readiness", || (get(&address, "/readyz").0 == 200).then_some(()));
    agent.signal("TERM");
    agent.signal("TERM");
    drop(agent);
}

#[test]
fn secrets_do_not_leave() {
    let site = Site::new();
    let log = site.log("saw-0", 0);
    let line = "PumpError: stuck at postgres://pump:hunter2hunter2@db:5432/water";
    let trace = ["Traceback (most recent call last):", "  File \"pump.py\", line 3, in run", line];
    Log::open(&log).write(&trace);
    let agent = site.start();
    let event = site.wait_for(1).remove(0).to_string();
    assert!(event.contains("postgres://pump:[REDACTED]@db:5432/water") && !event.contains("hunter2"), "{event}");
    agent.stop();
    let open = Site::new();
    configure(&open, "redact: false");
    Log::open(&open.log("saw-0", 0)).write(&trace);
    let agent = open.start();
    assert!(open.wait_for(1)[0].to_string().contains("hunter2"));
    agent.stop();
}

#[test]
fn health_says_what_is_wrong() {
    let site = Site::new();
    site.configure("export: { jsonl: { path: /dev/full } }\nadmin: { listen: '127.0.0.1:0' }");
    let mut log = Log::open(&site.log("saw-0", 0));
    let agent = site.start();
    let address = address(&agent);
    assert_eq!(get(&address, "/healthz"), (200, "ok\n".into()));
    wait("readiness", || (get(&address, "/readyz").0 == 200).then_some(()));
    log.fail(1);
    let body = wait("the trouble", || Some(get(&address, "/readyz")).filter(|(status, _)| *status == 503)).1;
    assert!(body.contains("jsonl /dev/full takes nothing") && body.contains("No space left"), "{body}");
    assert_eq!(get(&address, "/nowhere").0, 404);
    agent.signal("TERM");
    agent.signal("TERM");
    drop(agent);
}

#[test]
fn an_address_that_is_taken_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let site = Site::new();
    configure(&site, &format!("admin: {{ listen: '{address}' }}"));
    let output = site.command("beginning").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(&address.to_string()) && text.contains("admin.listen"), "{text}");
}
