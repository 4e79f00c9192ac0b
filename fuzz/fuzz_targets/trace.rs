//! Any lines: what joins or is held may continue, and an exception is looked for without a panic.
#![no_main]

use faultscope::record::trace::{Assembler, Step, exception, may_continue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let mut open: Option<Assembler> = None;
    let mut prev: &[u8] = b"";
    for line in text.split(|byte| *byte == b'\n') {
        let step = open
            .as_mut()
            .map_or(Step::Closed, |assembler| assembler.push(line));
        if step == Step::Closed {
            open = Assembler::start(line);
        } else {
            assert!(may_continue(prev, line), "{step:?}: {prev:?} {line:?}");
            assert!(
                step == Step::Joined || Assembler::start(line).is_none(),
                "held, but a start: {line:?}"
            );
        }
        prev = line;
    }
    let _ = exception(text);
});
