//! The built-in packs on logs of healthy programs, near misses among them: they stay quiet.

use std::fs;

use faultscope::pattern::model::Severity;

use crate::support::{BUILTIN, data, events};

#[test]
fn nothing_is_wrong_with_healthy_logs() {
    let mut alarms = Vec::new();
    let mut files = 0;
    for entry in fs::read_dir(data("healthy")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read(&path).unwrap();
        files += 1;
        for event in events(&BUILTIN, &text, None, &[text.len()], |_, _| {}) {
            if event.pattern.severity >= Severity::Warn {
                let name = path.file_name().unwrap().to_string_lossy();
                alarms.push(format!("{name}:{}: {}: {}", event.line, event.pattern.id, event.body));
            }
        }
    }
    alarms.sort();
    assert!(files > 0 && alarms.is_empty(), "{}", alarms.join("\n"));
}
