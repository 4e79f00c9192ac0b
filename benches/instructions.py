#!/usr/bin/env python3
"""How many instructions the release build takes for fixed inputs, held against benches/instructions.txt.

    cargo build --release && benches/instructions.py [--write]

Times differ from run to run; these counts repeat. A count more than 5 % above the budget fails; one more than 5 % below asks for the
budget to be lowered (--write), so that the gain isn't lost again. Counted by valgrind, which has no AVX-512, on x86_64 with AVX2. Another
compiler makes other instructions, so a budget is of one version of rustc: with another, counts are shown and not judged.

start    a log of one line: what every start costs
healthy  per byte of healthy lines, start taken off
failing  per failure: lines that each hold one, start taken off
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUDGET = ROOT / "benches/instructions.txt"
TOLERANCE = 0.05


def count(log):
    """Instructions of a scan of the log, in the program and in the libraries it calls."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(ROOT / "target/release/faultscope")]
    done = subprocess.run(command + ["scan", "--output", "jsonl", str(log)], capture_output=True, text=True, check=True)
    return int(re.search(r"refs:\s+([\d,]+)", done.stderr)[1].replace(",", ""))


def framed(lines):
    return "".join(f"2031-05-17T09:14:02.{n % 10**9:09}Z stdout F {line}\n" for n, line in enumerate(lines))


def measure(folder):
    log = Path(folder) / "fixed.log"

    def of(lines):
        log.write_text(framed(lines), encoding="utf-8")
        return count(log), log.stat().st_size

    samples = sorted((ROOT / "tests/data/healthy").iterdir())
    healthy = [line for sample in samples for line in sample.read_text(encoding="utf-8").splitlines() if line]
    failures = [row.split("\t", 1)[1] for row in (ROOT / "benches/failures.tsv").read_text(encoding="utf-8").splitlines()]
    start, _ = of(["all is well"])
    once, once_bytes = of(healthy * 4)
    # What is made for the first record that is confirmed must not count as the cost of a byte, nor as that of a failure.
    more, more_bytes = of(healthy * 24)
    few, many = of(failures * 2)[0], of(failures * 10)[0]
    return {
        "start": start,
        "healthy": (more - once) / (more_bytes - once_bytes),
        "failing": (many - few) / (8 * len(failures)),
    }


def compiler():
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def main():
    with tempfile.TemporaryDirectory() as folder:
        got = measure(folder)
    if sys.argv[1:] == ["--write"]:
        BUDGET.write_text(f"rustc {compiler()}\n" + "".join(f"{name} {value:.4g}\n" for name, value in got.items()))
    budget = dict(line.split() for line in BUDGET.read_text().splitlines())
    wrong = False
    for name, value in got.items():
        change = value / float(budget[name]) - 1
        wrong |= abs(change) > TOLERANCE
        print(f"{name:8} {value:14.4g}   budget {float(budget[name]):14.4g}   {change:+.1%}")
    if budget["rustc"] != compiler():
        print(f"NOT judged: the budget is of rustc {budget['rustc']}, and this is {compiler()}")
    elif wrong:
        sys.exit("not within 5 % of the budget: find out why, or run benches/instructions.py --write and say so in the change")


if __name__ == "__main__":
    main()
