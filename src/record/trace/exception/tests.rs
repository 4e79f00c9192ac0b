//! What is read from records of each language.

use super::{exception, told_of};
use crate::event::Exception;
use crate::record::trace::words::Words;

/// The exception as all languages find it when each is asked.
pub(in crate::record::trace) fn asked_of_all(text: &[u8]) -> Option<Exception> {
    told_of(Words::ALL, text)
}

type Row = (&'static str, &'static str, Option<(Option<&'static str>, Option<&'static str>, Option<&'static str>)>);

fn check(rows: &[Row]) {
    for (name, text, expected) in rows {
        let found = exception(text.as_bytes());
        let found = found.as_ref().map(|e| (e.kind.as_deref(), e.message.as_deref(), e.stacktrace.as_deref()));
        assert_eq!(found, *expected, "{name}");
    }
}

#[test]
fn python() {
    check(&[
        (
            "last of a chain",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2, in f\nacme.io.Boom: two\n  and more",
            Some((
                Some("acme.io.Boom"),
                Some("two\n  and more"),
                Some(
                    "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2, in f\nacme.io.Boom: two\n  and more",
                ),
            )),
        ),
        (
            "no message",
            "ERROR:root:Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nStopIteration",
            Some((
                Some("StopIteration"),
                None,
                Some("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nStopIteration"),
            )),
        ),
        (
            "prefixes taken off",
            "[rank0]: Traceback (most recent call last):\n[rank0]:   File \"a.py\", line 1, in f\n[rank0]: ValueError: bad: x",
            Some((
                Some("ValueError"),
                Some("bad: x"),
                Some("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: bad: x"),
            )),
        ),
        (
            "group",
            "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1, in f\n  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | ValueError: 1\n    +------------------------------------",
            Some((
                Some("ExceptionGroup"),
                Some("two (2 sub-exceptions)"),
                Some(
                    "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1, in f\n  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | ValueError: 1\n    +------------------------------------",
                ),
            )),
        ),
        (
            "cut off",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f",
            Some((None, None, Some("Traceback (most recent call last):\n  File \"a.py\", line 1, in f"))),
        ),
        (
            "in JSON",
            "{\"level\":\"error\",\"exc\":\"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: bad\",\"ts\":7}",
            Some((
                Some("ValueError"),
                Some("bad"),
                Some("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: bad"),
            )),
        ),
    ]);
}

#[test]
fn go() {
    check(&[
        (
            "panic",
            "panic: boom [recovered]\n\tpanic: bang\n\ngoroutine 1 [running]:\nmain.main()",
            Some((
                Some("panic"),
                Some("boom"),
                Some("panic: boom [recovered]\n\tpanic: bang\n\ngoroutine 1 [running]:\nmain.main()"),
            )),
        ),
        (
            "runtime error",
            "panic: runtime error: index out of range [3] with length 3",
            Some((Some("runtime error"), Some("index out of range [3] with length 3"), None)),
        ),
        (
            "served",
            "2031/02/03 04:05:06 http: panic serving 10.1.2.3:45678: boom",
            Some((Some("panic"), Some("boom"), None)),
        ),
        (
            "fatal",
            "fatal error: concurrent map writes",
            Some((Some("fatal error"), Some("concurrent map writes"), None)),
        ),
        (
            "verdict below",
            "unexpected fault address 0x7f\nfatal error: fault",
            Some((Some("fatal error"), Some("fault"), None)),
        ),
        ("signal", "SIGABRT: abort", Some((Some("SIGABRT"), Some("abort"), None))),
        ("only a stack", "goroutine 1 [running]:\nmain.main()\n\t/srv/main.go:7 +0x1d", None),
        ("a sentence", "we told them not to panic: in vain", None),
        (
            "beside its stack",
            "{\"level\":\"error\",\"msg\":\"Reconciler error\",\"error\":\"no such \"key\" here\",\"stacktrace\":\"main.main\n\t/srv/main.go:1\"}",
            Some((None, Some("no such \"key\" here"), Some("main.main\n\t/srv/main.go:1"))),
        ),
        ("a stack without an error", "{\"level\":\"info\",\"stacktrace\":\"main.main\n\t/srv/main.go:1\"}", None),
    ]);
}

#[test]
fn java_and_dotnet() {
    check(&[
        (
            "outermost",
            "2031-02-03 04:05:06 ERROR - Failed: org.acme.A: no\njava.io.IOException: shut\n\tat a.B.c(B.java:1)\nCaused by: java.net.ConnectException: refused\n\t... 1 more",
            Some((
                Some("java.io.IOException"),
                Some("shut"),
                Some(
                    "java.io.IOException: shut\n\tat a.B.c(B.java:1)\nCaused by: java.net.ConnectException: refused\n\t... 1 more",
                ),
            )),
        ),
        (
            "thread",
            "Exception in thread \"main\" java.lang.IllegalStateException\n\tat a.B.c(B.java:1)",
            Some((
                Some("java.lang.IllegalStateException"),
                None,
                Some("Exception in thread \"main\" java.lang.IllegalStateException\n\tat a.B.c(B.java:1)"),
            )),
        ),
        (
            "message of two lines",
            "org.acme.FaultException: one\ntwo\n\tat a.B.c(B.java:1)",
            Some((
                Some("org.acme.FaultException"),
                Some("one\ntwo"),
                Some("org.acme.FaultException: one\ntwo\n\tat a.B.c(B.java:1)"),
            )),
        ),
        ("alone", "java.io.IOException: shut", Some((Some("java.io.IOException"), Some("shut"), None))),
        ("mentioned", "INFO retrying after java.io.IOException: shut", None),
        (
            "in JSON",
            "{\"message\":\"java.io.IOException: shut\",\"stack_trace\":\"java.io.IOException: shut\n\tat a.B.c(B.java:1)\n\",\"level\":\"ERROR\"}",
            Some((Some("java.io.IOException"), Some("shut"), Some("java.io.IOException: shut\n\tat a.B.c(B.java:1)"))),
        ),
        (
            "inner",
            "Unhandled exception. Acme.OuterException: outer\n ---> System.IO.IOException: inner\n   at Acme.N.Read()",
            Some((
                Some("Acme.OuterException"),
                Some("outer"),
                Some(
                    "Unhandled exception. Acme.OuterException: outer\n ---> System.IO.IOException: inner\n   at Acme.N.Read()",
                ),
            )),
        ),
    ]);
}

#[test]
fn rust() {
    check(&[
        (
            "message below",
            "thread 'main' panicked at src/main.rs:4:5:\nassertion failed\n  left: 1\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
            Some((Some("panic"), Some("assertion failed\n  left: 1"), None)),
        ),
        (
            "message in line",
            "thread 'main' panicked at 'it's over', src/main.rs:4:5",
            Some((Some("panic"), Some("it's over"), None)),
        ),
        (
            "backtrace",
            "thread 'main' panicked at src/main.rs:4:5:\nno\nstack backtrace:\n   0: acme::main",
            Some((
                Some("panic"),
                Some("no"),
                Some("thread 'main' panicked at src/main.rs:4:5:\nno\nstack backtrace:\n   0: acme::main"),
            )),
        ),
    ]);
}

#[test]
fn node() {
    check(&[
        (
            "fatal",
            "/srv/app.js:10\n    boom()\n    ^\n\nTypeError [ERR_X]: no\n    at f (/srv/app.js:10:1)\n\nNode.js v20.1.0",
            Some((
                Some("TypeError"),
                Some("no"),
                Some("TypeError [ERR_X]: no\n    at f (/srv/app.js:10:1)\n\nNode.js v20.1.0"),
            )),
        ),
        (
            "message of several lines",
            "Error: Cannot find module 'x'\nRequire stack:\n- /srv/app.js\n    at f (/srv/app.js:1:1) {\n  code: 'X'\n}",
            Some((
                Some("Error"),
                Some("Cannot find module 'x'\nRequire stack:\n- /srv/app.js"),
                Some(
                    "Error: Cannot find module 'x'\nRequire stack:\n- /srv/app.js\n    at f (/srv/app.js:1:1) {\n  code: 'X'\n}",
                ),
            )),
        ),
        (
            "rejection",
            "node:internal/process/promises:288\n    trigger(err);\n    ^\n\n[UnhandledPromiseRejection: The reason was [\"no\"].] {\n  code: 'X'\n}",
            Some((Some("UnhandledPromiseRejection"), Some("The reason was [\"no\"]."), None)),
        ),
        ("nothing", "listening on 0.0.0.0:8080", None),
        ("empty", "", None),
    ]);
}
