//! Every kind's samples, the fields of structured and access lines, and what must hold for any bytes.

use proptest::prelude::*;

use super::{
    samples::{SAMPLES, WHOLE},
    *,
};

#[test]
fn samples() {
    for sample in SAMPLES {
        let header = parse(sample.line.as_bytes());
        let message = if sample.message == WHOLE { sample.line } else { sample.message };
        let time = (!sample.time.is_empty()).then(|| sample.time.parse().unwrap());
        let logger = Some(sample.logger).filter(|logger| !logger.is_empty());
        assert_eq!(header.kind, sample.kind, "{}", sample.line);
        assert_eq!(header.level, sample.level, "{}", sample.line);
        assert_eq!(header.time, time, "{}", sample.line);
        assert_eq!(header.logger.as_deref(), logger, "{}", sample.line);
        assert_eq!(String::from_utf8_lossy(&header.message), message, "{}", sample.line);
    }
}

#[test]
fn lines_with_escapes_are_structured() {
    let table = [
        (r#"{"msg":"a"}"#, true),
        (r#"level=info msg="a""#, true),
        (r#"E0309 04:05:06.1 1 a.go:1] "a" err="b""#, true),
        (r#"E0309 04:05:06.1 1 a.go:1] "a" is quoted, no more"#, false),
        ("E0309 04:05:06.1 1 a.go:1] C:\\temp", false),
        ("2031-03-09T04:05:06Z\tINFO\ta\tb\t{\"c\": \"d\"}", true),
        ("2031-03-09T04:05:06Z\tINFO\ta\tb", false),
        ("2031-03-09T04:05:06Z\tinfo\ta\tb\tc=\"d\"", true),
        ("INFO:root:C:\\temp", false),
        ("plain \\n", false),
    ];
    for (line, structured) in table {
        assert_eq!(parse(line.as_bytes()).structured, structured, "{line}");
    }
}

/// A line, and some of its fields.
type WithFields = (&'static str, &'static [(&'static str, &'static str)]);

#[test]
#[rustfmt::skip] // A table.
fn fields() {
    let table: &[WithFields] = &[
        (
            r#"{"level":"info","n":1.50e3,"big":12345678901234567890,"ok":true,"none":null,"a":{"b":[{"c":"d"},2]},"x.y":"z","k":1,"k":2}"#,
            &[
                ("n", "1.50e3"), ("big", "12345678901234567890"), ("ok", "true"), ("none", ""), ("a.b.0.c", "d"),
                ("a.b.1", "2"), ("x.y", "z"), ("k", "2"), ("a", ""), ("a.b", ""),
            ],
        ),
        (
            r#"{ "msg" : "caf\u00e9 \"x\"" , "list" : [ ] , "map" : { } , "last" : "y" } and more"#,
            &[("msg", "café \"x\""), ("last", "y"), ("list", ""), ("map", "")],
        ),
        (r#"{"msg":"cut in the mid"#, &[("msg", "cut in the mid")]),
        (r#"{"msg":"a",... "error":"b"}"#, &[("msg", "a"), ("error", "")]),
        (
            r#"time="2031-03-09T04:05:06Z" level=info msg="a \"b\"" bare=x=y empty= map={"a b": 1} n=-3 open="never closed"#,
            &[("msg", "a \"b\""), ("bare", "x=y"), ("empty", ""), ("map", r#"{"a b": 1}"#), ("n", "-3"), ("open", "never closed")],
        ),
        (
            r#"E0309 04:05:06.1 1 :0] k/c "msg"="x" "error"="y \"z\""  "request"={"Namespace":"o","Name":"p q"} "last"=1"#,
            &[("error", "y \"z\""), ("request", r#"{"Namespace":"o","Name":"p q"}"#), ("last", "1")],
        ),
        (
            "2031-03-09T04:05:06Z        ERROR   a.b  text {\"not\": json} here   {\"error\": \"c  {d\"}",
            &[("error", "")],
        ),
        (
            "2031-03-09T04:05:06Z\tERROR\ta.b\ttext {\"not\": json} here\t{\"error\": \"c  {d\"}",
            &[("error", "c  {d")],
        ),
        (
            "2031-03-09T04:05:06Z\terror\taccess\tconnection complete\tbytes_sent=954 duration=\"13ms\" error=\"a \\\"b\\\"\"",
            &[("bytes_sent", "954"), ("duration", "13ms"), ("error", "a \"b\"")],
        ),
        (
            r#"INFO:     10.8.0.3:52001 - "POST /a?b=c HTTP/1.1" 500 Internal Server Error"#,
            &[("method", "POST"), ("path", "/a?b=c"), ("response_code", "500")],
        ),
        (
            "\u{1b}[32mINFO\u{1b}[0m:     10.8.0.3:52001 - \"\u{1b}[1mGET /health HTTP/1.1\u{1b}[0m\" \u{1b}[32m200 OK\u{1b}[0m",
            &[("method", "GET"), ("path", "/health"), ("response_code", "200")],
        ),
    ];
    check(table);
}

#[test]
#[rustfmt::skip] // A table.
fn access_lines_have_one_vocabulary() {
    let table: &[WithFields] = &[
        // Since Istio 1.9.
        (
            r#"[2031-03-09T04:05:06Z] "GET /pears HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{connection_failure} - "delayed_connect_error:_111" 0 152 31 - "10.8.0.9" "curl/8 (x)" "r-1" "pear:80" "10.8.0.5:80" outbound|80||pear.orchard.svc.cluster.local 10.8.0.6:1 10.8.0.4:80 10.8.0.3:4 - default"#,
            &[
                ("method", "GET"), ("path", "/pears"), ("protocol", "HTTP/1.1"), ("response_code", "503"), ("response_flags", "UF,URX"),
                ("response_code_details", "upstream_reset_before_response_started{connection_failure}"),
                ("connection_termination_details", ""), ("upstream_transport_failure_reason", "delayed_connect_error:_111"),
                ("bytes_sent", "152"), ("duration", "31"), ("upstream_service_time", ""), ("x_forwarded_for", "10.8.0.9"),
                ("user_agent", "curl/8 (x)"), ("request_id", "r-1"), ("authority", "pear:80"), ("upstream_host", "10.8.0.5:80"),
                ("upstream_cluster", "outbound|80||pear.orchard.svc.cluster.local"), ("downstream_remote_address", "10.8.0.3:4"),
                ("requested_server_name", ""), ("route_name", "default"),
            ],
        ),
        // Before: Mixer's status behind the flags.
        (
            r#"[2031-03-09T04:05:06.1Z] "GET /pears HTTP/1.1" 500 - "-" "-" 0 122 11939 11933 "-" "curl/8" "r-1" "pear" "10.8.0.5:80" inbound|80|http|pear"#,
            &[
                ("response_code", "500"), ("response_flags", ""), ("response_code_details", ""), ("bytes_sent", "122"),
                ("upstream_service_time", "11933"), ("user_agent", "curl/8"), ("upstream_host", "10.8.0.5:80"),
                ("upstream_cluster", "inbound|80|http|pear"),
            ],
        ),
        // Envoy's own default, and a path with a blank.
        (
            r#"[2031-03-09T04:05:06.1Z] "GET /a b HTTP/2" 404 NR 0 0 0 - "-" "curl/8" "r-1" "pear" "-""#,
            &[("path", "/a b"), ("response_flags", "NR"), ("response_code_details", ""), ("duration", "0"), ("upstream_host", "")],
        ),
        // TCP.
        (
            r#"[2031-03-09T04:05:06.1Z] "- - -" 0 UH - - "-" 0 0 0 - "-" "-" "-" "-" "-" BlackHoleCluster - 10.8.0.4:80 10.8.0.3:4 - -"#,
            &[("method", ""), ("response_code", "0"), ("response_flags", "UH"), ("upstream_cluster", "BlackHoleCluster")],
        ),
        // JSON, in numbers and null, or all in strings.
        (
            r#"{"response_flags":"UH","response_code":503,"response_code_details":"no_healthy_upstream","method":"GET","path":"/","upstream_host":null,"upstream_cluster":"c","user_agent":"-"}"#,
            &[
                ("response_code", "503"), ("response_flags", "UH"), ("response_code_details", "no_healthy_upstream"),
                ("upstream_host", ""), ("user_agent", ""), ("upstream_cluster", "c"),
            ],
        ),
        (r#"{"response_flags":"-","response_code":"200","method":"GET"}"#, &[("response_code", "200"), ("response_flags", "")]),
    ];
    check(table);
    for (line, _) in table {
        assert_eq!(parse(line.as_bytes()).kind, Kind::EnvoyAccess, "{line}");
    }
}

/// An empty value stands for none.
fn check(table: &[WithFields]) {
    for (line, expected) in table {
        let header = parse(line.as_bytes());
        for (path, value) in *expected {
            let found = header.fields.get(path).unwrap_or_default();
            assert_eq!(found, *value, "{path} of {line}");
        }
    }
}

#[test]
fn common_names_of_fields() {
    let header = parse(br#"{"severity":"WARNING","timestamp":"2031-03-09T04:05:06Z","message":"no pears","level":7}"#);
    assert_eq!(header.field("level").as_deref(), Some("warn"));
    assert_eq!(header.field("message").as_deref(), Some("no pears"));
    assert_eq!(header.field("severity").as_deref(), Some("WARNING"));
    assert_eq!(header.field("logger"), None);
    assert_eq!(parse(b"INFO:root:x").field("logger").as_deref(), Some("root"));
}

#[test]
fn traces_and_spans() {
    let both = parse(br#"{"msg":"x","traceId":"000102030405060708090a0b0c0d0e0F","spanID":"0102030405060708"}"#);
    assert_eq!(both.trace_id, Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
    assert_eq!(both.span_id, Some([1, 2, 3, 4, 5, 6, 7, 8]));
    let logfmt = parse(b"level=info msg=x trace_id=000102030405060708090a0b0c0d0e0f span_id=0000000000000000");
    assert!(logfmt.trace_id.is_some());
    assert_eq!(logfmt.span_id, None, "all zeros is none");
    assert_eq!(parse(br#"{"msg":"x","traceId":"]","trace_id":12}"#).trace_id, None);
}

#[test]
fn nothing_grows_without_bound() {
    let keys: String = (0..2000).map(|key| format!("\"k{key}\":{key},")).collect();
    let many = format!("{{{keys}\"msg\":\"x\"}}");
    assert_eq!(parse(many.as_bytes()).fields.len(), 256);

    let deep = format!("{}1{},\"msg\":\"x\"}}", "{\"a\":".repeat(5000), "}".repeat(4999));
    let header = parse(deep.as_bytes());
    assert_eq!(header.message.as_ref(), b"x", "what is too deep is passed over");
    assert_eq!(header.fields.len(), 1);

    let unclosed = format!("level=info {}", "a=[ ".repeat(100_000));
    assert_eq!(parse(unclosed.as_bytes()).fields.len(), 256);
}

/// In a line that isn't structured, the message is a part of it.
fn check_invariants(content: &[u8]) -> Result<(), TestCaseError> {
    let header = parse(content);
    if !header.structured {
        let message = header.message.as_ref();
        let found = message.is_empty() || memchr::memmem::find(content, message).is_some();
        prop_assert!(found, "{}", String::from_utf8_lossy(content));
        prop_assert!(matches!(header.message, Cow::Borrowed(_)));
    }
    if header.kind == Kind::Plain {
        prop_assert_eq!(header.message.as_ref(), content);
    }
    prop_assert!(header.fields.len() <= 256);
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        check_invariants(&content)?;
    }

    #[test]
    fn mutated_samples(
        sample in 0..SAMPLES.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut line = SAMPLES[sample].line.as_bytes().to_vec();
        for (index, byte, edit) in edits {
            let at = index.index(line.len() + 1);
            match edit {
                0 => line.insert(at, byte),
                1 => line.truncate(at),
                _ => if let Some(old) = line.get_mut(at) { *old = byte },
            }
        }
        check_invariants(&line)?;
    }

    #[test]
    fn shuffled_samples(first in 0..SAMPLES.len(), second in 0..SAMPLES.len(), at: prop::sample::Index) {
        let (head, tail) = (SAMPLES[first].line.as_bytes(), SAMPLES[second].line.as_bytes());
        check_invariants(&[&head[..at.index(head.len() + 1)], tail].concat())?;
    }
}
