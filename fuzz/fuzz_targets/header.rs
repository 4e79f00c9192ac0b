//! Any bytes as a record: nothing panics, fields are bounded, an unstructured message is a part of the record.
#![no_main]

use std::borrow::Cow;

use faultscope::record::header::{Kind, parse, unescape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    assert!(unescape(content).len() <= content.len());
    let header = parse(content);
    assert!(header.fields.len() <= 256);
    for (path, _) in header.fields.iter() {
        assert!(path.len() <= 256 && header.fields.value(path).is_some());
    }
    if header.kind == Kind::Plain {
        assert_eq!(header.message.as_ref(), content);
    }
    if !header.structured {
        let Cow::Borrowed(message) = header.message else {
            panic!("nothing was to be undone");
        };
        let inside = content.as_ptr_range();
        assert!(message.is_empty() || inside.contains(&message.as_ptr()));
    }
});
