//! Which lines make one record of Python.

use super::super::check::check;
use super::*;

#[test]
fn tracebacks_group() {
    check(&[
        (
            "plain",
            "Traceback (most recent call last):\n  File \"/srv/a.py\", line 4, in run\n    go()\nValueError: no weights\nINFO: next",
            &[4, 1],
        ),
        (
            "carets",
            "Traceback (most recent call last):\n  File \"/srv/a.py\", line 4, in run\n    go(x)\n    ~~^^^\nKeyError: 'x'\nbye",
            &[5, 1],
        ),
        (
            "no source",
            "Traceback (most recent call last):\n  File \"<frozen runpy>\", line 4, in run\n  File \"b.pyx\", line 9, in acme.go\nKeyError: 'x'",
            &[4],
        ),
        (
            "repeated",
            "Traceback (most recent call last):\n  File \"a.py\", line 4, in f\n    f()\n  [Previous line repeated 996 more times]\nRecursionError: too deep",
            &[5],
        ),
        (
            "elided source",
            "Traceback (most recent call last):\n  File \"a.py\", line 4, in f\n    g(\n    ...<2 lines>...\n    )\nTypeError: bad",
            &[6],
        ),
        (
            "no colon",
            "Traceback (most recent call last):\n  File \"a.py\", line 4, in f\n    next(it)\nStopIteration\nshutting down",
            &[4, 1],
        ),
        (
            "interrupt",
            "Traceback (most recent call last):\n  File \"a.py\", line 4, in f\n    wait()\nKeyboardInterrupt",
            &[4],
        ),
        (
            "empty message",
            "Traceback (most recent call last):\n  File \"a.py\", line 4, in f\n    wait()\nasyncio.exceptions.CancelledError: \nINFO:     done",
            &[4, 1],
        ),
        (
            "context",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2, in f\n    h()\nValueError: 2\nafter",
            &[11, 1],
        ),
        (
            "cause",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2, in f\nValueError: 2",
            &[9],
        ),
        (
            "not chained",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1\n\nsomething else",
            &[3, 1, 1],
        ),
        (
            "message of several lines",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nacme.ValidationError: 1 error for Config\n  Value error, too small [type=value_error]\n    For further information see the docs\nat the margin",
            &[5, 1],
        ),
        (
            "library tail",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nsqlalchemy.exc.OperationalError: (x.Error) refused\n\tIs the server up?\n[SQL: SELECT 1]\n(Background on this error at: https://sqlalche.me/e/20/e3q8)\nafter",
            &[6, 1],
        ),
        (
            "type with arguments",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nray.exceptions.RayTaskError(ValueError): ray::f()",
            &[3],
        ),
        (
            "syntax error alone",
            "  File \"/srv/a.py\", line 3\n    x = = 1\n        ^\nSyntaxError: invalid syntax\nafter",
            &[4, 1],
        ),
        (
            "syntax error below",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    import b\n  File \"b.py\", line 3\n    x = = 1\n        ^\nSyntaxError: invalid syntax",
            &[7],
        ),
        (
            "indentation lost",
            "Traceback (most recent call last):\nFile \"a.py\", line 1, in <module>\nmain()\nFile \"a.py\", line 9, in main\nraise Boom(1)\nacme.Boom: 1\nafter",
            &[6, 1],
        ),
        ("elided frames", "Traceback (most recent call last):\n...\nbotocore.exceptions.ClientError: denied", &[3]),
        (
            "thread",
            "Exception in thread Thread-1 (worker):\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x",
            &[4],
        ),
        (
            "process",
            "Process Worker-2:\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x",
            &[4],
        ),
        ("thread without traceback", "Exception in thread Thread-1:\nINFO: up", &[1, 1]),
        (
            "from a pool",
            "multiprocessing.pool.RemoteTraceback: \n\"\"\"\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n\"\"\"\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"b.py\", line 1, in f\nValueError: x",
            &[12],
        ),
        (
            "cut off",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    go()\n2031-02-03 04:05:06 INFO up",
            &[3, 1],
        ),
        (
            "one after another",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 2",
            &[3, 3],
        ),
        ("quoted in a sentence", "see the Traceback (most recent call last):\n  File \"a.py\", line 1, in f", &[1, 1]),
        (
            "escaped in JSON",
            "{\"exc\":\"Traceback (most recent call last):\\n  File\"}\n  File \"a.py\", line 1, in f",
            &[1, 1],
        ),
    ]);
}

#[test]
fn groups_of_exceptions_group() {
    check(&[
        (
            "group",
            "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1, in f\n  |     go()\n  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | ValueError: 1\n    +---------------- 2 ----------------\n    | Traceback (most recent call last):\n    |   File \"a.py\", line 2, in g\n    | \n    | KeyError: 2\n    +------------------------------------\nafter",
            &[12, 1],
        ),
        (
            "below a plain one",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\n  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1, in f\n  | ExceptionGroup: one (1 sub-exception)",
            &[9],
        ),
        ("drawn table", "  | name | size |\n  | ---- | ---- |", &[1, 1]),
    ]);
}

#[test]
fn prefixes_are_taken_off() {
    check(&[
        (
            "once",
            "ERROR:root:Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    go()\nKeyError: 1\nERROR:root:after",
            &[4, 1],
        ),
        (
            "once, with a space",
            "2031-02-03 04:05:06 ERROR boom Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1",
            &[3],
        ),
        (
            "rank",
            "[rank0]: Traceback (most recent call last):\n[rank0]:   File \"a.py\", line 1, in f\n[rank0]:     go()\n[rank0]:     ^^^^\n[rank0]: KeyError: 1\n[rank0]: later on",
            &[5, 1],
        ),
        (
            "engine",
            "(Core_0 pid=12) ERROR 05-04 00:26:01 [core.py:586] Traceback (most recent call last):\n(Core_0 pid=12) ERROR 05-04 00:26:01 [core.py:586]   File \"a.py\", line 1, in f\n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586]     go(\n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586]         x)\n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586] KeyError: 1\n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586]\n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586] During handling of the above exception, another exception occurred:\n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586] \n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586] Traceback (most recent call last):\n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586]   File \"a.py\", line 1, in f\n(Core_0 pid=12) ERROR 05-04 00:26:02 [core.py:586] acme.Dead: 2\n(Core_0 pid=12) INFO 05-04 00:26:02 [core.py:590] down",
            &[11, 1],
        ),
        (
            "process behind a prefix",
            "(Core_0 pid=12) Process Core_0:\n(Core_0 pid=12) Traceback (most recent call last):\n(Core_0 pid=12)   File \"a.py\", line 1, in f\n(Core_0 pid=12) KeyError: 1",
            &[4],
        ),
        (
            "announced behind a prefix, told without",
            "(Core_0 pid=12) Process Core_0:\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f",
            &[1, 2],
        ),
        (
            "indented as a whole",
            "[E 31-02-03 04:05:06 hub:7] Exception in Future\n    Traceback (most recent call last):\n      File \"a.py\", line 1, in f\n        go()\n    acme.TimeoutError: Timeout\n[I 31-02-03 04:05:07 hub:7] next",
            &[1, 4, 1],
        ),
        (
            "timestamps",
            "2031-02-03T04:05:06.1Z Traceback (most recent call last):\n2031-02-03T04:05:06.15Z   File \"a.py\", line 1, in f\n2031-02-03T04:05:06.2Z     go()\n2031-02-03T04:05:06.25Z KeyError: 1\n2031-02-03T04:05:07Z INFO: up",
            &[4, 1],
        ),
        (
            "continuation behind a prefix",
            "(Api pid=1) Traceback (most recent call last):\n(Api pid=1)   File \"a.py\", line 1, in f\n(Api pid=1) acme.ValidationError: 1 error\n(Api pid=1)   Value error, too small\n(Api pid=1) INFO 02-03 04:05:06 [a.py:1] up",
            &[4, 1],
        ),
        (
            "padded column",
            "2031-02-03 04:05:06 ERROR    Traceback (most recent call last):\n2031-02-03 04:05:06 ERROR      File \"a.py\", line 1, in f\n2031-02-03 04:05:06 ERROR        go()\n2031-02-03 04:05:06 ERROR    KeyError: 1\n2031-02-03 04:05:06 ERROR    after",
            &[4, 1],
        ),
    ]);
}

#[test]
fn types_are_told_from_words() {
    let rows = [
        ("ValueError: x", Some(10)),
        ("socket.timeout: timed out", Some(14)),
        ("StopIteration", Some(13)),
        ("f.<locals>.Boom: x", Some(15)),
        ("INFO: x", None),
        ("Done with it", None),
        ("READY", None),
        ("done", None),
        ("http://x", None),
        ("", None),
    ];
    for (text, expected) in rows {
        assert_eq!(final_type(text.as_bytes()), expected, "{text}");
    }
}
