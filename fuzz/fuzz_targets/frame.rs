//! Any bytes as a log line and as a path: nothing panics, no line is lost, no fragment goes without its mark.
#![no_main]

use faultscope::frame::{CRI_PARTIAL_MARKS, Format, FrameKind, decode, path};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let line = data.strip_suffix(b"\n").unwrap_or(data);
    for format in [Format::Auto, Format::Cri, Format::Docker, Format::Text] {
        let frame = decode(line, format);
        match frame.kind {
            FrameKind::Text => {
                assert_eq!(
                    frame.content.as_ref(),
                    line.strip_suffix(b"\r").unwrap_or(line)
                );
                assert!(frame.time.is_none() && frame.stream.is_none() && !frame.partial);
            }
            FrameKind::Cri => {
                assert!(line.ends_with(&frame.content) || line.ends_with(b"\r"));
                assert!(frame.time.is_some() && frame.stream.is_some());
                let holds = |mark: &[u8]| line.windows(mark.len()).any(|window| window == mark);
                assert!(!frame.partial || CRI_PARTIAL_MARKS.iter().any(|mark| holds(mark)));
            }
            FrameKind::Docker => assert!(frame.content.len() <= line.len()),
        }
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(read) = path::parse(text)
    {
        assert!(read.uid.is_some() != (read.restart.is_none() || read.container_id.is_some()));
        for name in [&read.namespace, &read.pod, &read.container] {
            assert!(!name.is_empty() && !name.contains('/') && text.contains(name.as_str()));
        }
    }
});
