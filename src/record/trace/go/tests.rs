//! Which lines make one record of Go.

use super::super::check::check;

const STACK: &str = "goroutine 1 [running]:\nmain.main()\n\t/srv/main.go:7 +0x1d";

fn below(head: &str) -> String {
    format!("{head}\n{STACK}\n2031/02/03 04:05:06 after")
}

#[test]
fn heads_group_with_their_stacks() {
    let rows: &[(&str, &str, &[usize])] = &[
        ("panic", "panic: boom\n", &[5, 1]),
        (
            "signal",
            "panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x5]\n",
            &[6, 1],
        ),
        ("recovered", "panic: a [recovered]\n\tpanic: b\n", &[6, 1]),
        ("indented value", "panic: 2 errors occurred:\n\t* one\n\t* two\n\n", &[8, 1]),
        ("value at the margin", "panic: one\ntwo\n", &[6, 1]),
        ("behind klog", "E0203 04:05:06.000007       1 runtime.go:79] Observed a panic: \"x\" (x)", &[4, 1]),
        ("served", "2031/02/03 04:05:06 http: panic serving 10.1.2.3:45678: boom", &[4, 1]),
        ("deadlock", "fatal error: all goroutines are asleep - deadlock!\n", &[5, 1]),
        ("maps", "fatal error: concurrent map writes\n", &[5, 1]),
        (
            "memory",
            "runtime: out of memory: cannot allocate 4096-byte block (0 in use)\nfatal error: out of memory\n\nruntime stack:\nruntime.throw({0x1, 0x2})\n\t/go/src/runtime/panic.go:77 +0x48 fp=0x1 sp=0x2 pc=0x3\n",
            &[10, 1],
        ),
        ("abort", "SIGABRT: abort\nPC=0x4 m=0 sigcode=0\n", &[6, 1]),
        (
            "fault",
            "unexpected fault address 0x7f\nfatal error: fault\n[signal SIGBUS: bus error code=0x2 addr=0x7f pc=0x5]\n",
            &[7, 1],
        ),
    ];
    let texts: Vec<String> = rows.iter().map(|(_, head, _)| below(head)).collect();
    let rows: Vec<_> = rows.iter().zip(&texts).map(|((name, _, sizes), text)| (*name, text.as_str(), *sizes)).collect();
    check(&rows);
}

#[test]
fn stacks_group() {
    check(&[
        (
            "log line above",
            "2031/02/03 04:05:06 ERROR: WORKER DIED\ngoroutine 38 [running]:\nruntime/debug.Stack(0x1, 0x2)\n\truntime/debug/stack.go:24 +0x9d\nacme.io/w.(*S).run.func1.1(0x1)\n\tacme.io@v1/w/s.go:19 +0x5\nnext",
            &[1, 5, 1],
        ),
        (
            "several",
            "panic: x\n\ngoroutine 4 [running]:\npanic(0x1, 0x2)\n  /go/src/runtime/panic.go:5 +0x4 fp=0x1 sp=0x2 pc=0x3\ncreated by main.main\n  foo.go:5 +0x58\n\ngoroutine 1 [chan receive, 6 minutes]:\nmain.f[...](...)\n\t/srv/f.go:3\nexit status 2\nafter",
            &[12, 1],
        ),
        (
            "newer headline",
            "panic: x\n\ngoroutine 1 gp=0xc0 m=0 mp=0x1 [running]:\nmain.main()\n\t/srv/main.go:7 +0x1d",
            &[5],
        ),
        (
            "registers",
            "SIGSEGV: segmentation violation\nPC=0x1 m=0 sigcode=1\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/main.go:7 +0x1d\n\nrax    0x0\nrflags 0x1\nafter",
            &[9, 1],
        ),
        (
            "elided",
            "goroutine 1 [running]:\nmain.f(0x1)\n\t/srv/main.go:7 +0x1d\n...additional frames elided...\ncreated by main.g in goroutine 3\n\t/srv/main.go:9 +0x1d",
            &[6],
        ),
        ("by itself", "panic: no stack\n2031/02/03 04:05:06 next", &[1, 1]),
        ("value, then no stack", "panic: one\ntwo\nthree", &[1, 1, 1]),
        ("in JSON", "{\"msg\":\"panic: x\"}\ngoroutine 1 [running]:\nmain.main()", &[1, 2]),
        (
            "repeated prefix",
            "app-1  | panic: x\napp-1  | \napp-1  | goroutine 1 [running]:\napp-1  | main.main()\napp-1  | \t/srv/main.go:7 +0x1d\napp-1  | up again",
            &[5, 1],
        ),
        (
            "nested behind a prefix",
            "app-1  | panic: a [recovered]\napp-1  | \tpanic: b\napp-1  |\napp-1  | goroutine 1 [running]:",
            &[4],
        ),
        (
            "another panic",
            "panic: x\n\ngoroutine 1 [running]:\nmain.main()\npanic: y\n\ngoroutine 1 [running]:",
            &[4, 3],
        ),
    ]);
}
