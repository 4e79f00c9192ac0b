#!/usr/bin/env python3
"""faultscope beside what else reads logs, end to end, on one workload: a table of ratios.

    cargo build --release && benches/compare.py [--mib 256] [--rate 0.001] [--runs 5]

The workload is CRI lines: those of tests/data/healthy in random order with other digits, and, at the given rate, those of
benches/failures.tsv (a literal, then a line that holds it). Tools that can only count lines look for these literals. Each
tool runs once to warm up and then in turn with the others; the median counts. Numbers of matches must agree, or the
table is not printed. What isn't installed is left out. Needs Python alone; one core is enough.
"""
import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAULTSCOPE = ROOT / "target/release/faultscope"


def workload(path, size, rate, seed):
    """Writes the log; gives how many of its lines are failures."""
    rng = random.Random(seed)
    healthy = [line for sample in sorted((ROOT / "tests/data/healthy").iterdir()) for line in sample.read_text().splitlines()]
    # A line that continues a trace belongs to its neighbour, so it can't be moved about.
    healthy = [line for line in healthy if line and not line[0].isspace()]
    failures = [line.split("\t", 1)[1] for line in (ROOT / "benches/failures.tsv").read_text().splitlines()]
    # Short numbers mean something (a status, an exit code); long ones are names of things.
    vary = lambda line: re.sub(r"\d{4,}", lambda found: str(rng.randrange(10 ** len(found[0]))).zfill(len(found[0])), line)
    pool = [vary(line) for line in healthy for _ in range(64)]
    written = failed = 0
    clock = 1_900_000_000_000
    with open(path, "w", encoding="utf-8") as out:
        while written < size:
            if rng.random() < rate:
                line, failed = rng.choice(failures), failed + 1
            else:
                line = rng.choice(pool)
            clock += rng.randrange(1, 4000)
            day = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(clock // 1000))
            framed = f"{day}.{clock % 1000:03}{rng.randrange(10**6):06}Z {rng.choice(('stdout', 'stderr'))} F {line}\n"
            written += out.write(framed)
    return failed


def run(command, out):
    """Wall and CPU seconds, and the peak of resident memory in MiB."""
    with open(out, "wb") as sink:
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} failed: {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def count_of(out):
    """What a counting tool printed, or how many lines there are."""
    text = Path(out).read_text(encoding="utf-8", errors="replace")
    first = text.split(None, 1)
    return int(first[0]) if first and first[0].isdigit() else text.count("\n")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mib", type=int, default=256)
    options.add_argument("--rate", type=float, default=0.001)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--folder", type=Path, default=ROOT / "target/compare")
    args = options.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    log, literals = str(args.folder / "workload.log"), str(args.folder / "literals.txt")
    failed = workload(log, args.mib << 20, args.rate, args.seed)
    rows = (ROOT / "benches/failures.tsv").read_text().splitlines()
    Path(literals).write_text("".join(line.split("\t", 1)[0] + "\n" for line in rows))

    # The command, and whether it finds the failures.
    tools = {
        "faultscope scan (jsonl)": ([str(FAULTSCOPE), "scan", "--min-severity", "warn", "--output", "jsonl", log], True),
        "cat": (["cat", log], False),
        "wc -l": (["wc", "-l", log], False),
        "ripgrep -c -F": (["rg", "-c", "-F", "-f", literals, log], True),
        "grep -c -F": (["grep", "-c", "-F", "-f", literals, log], True),
    }
    if shutil.which("fluent-bit"):
        source = ["-i", "tail", "-p", f"path={log}", "-p", "read_from_head=true", "-p", "exit_on_eof=true"]
        tools["fluent-bit tail + cri -> null"] = (["fluent-bit", "-q", *source, "-p", "multiline.parser=cri", "-o", "null"], False)
    if shutil.which("vector"):
        config = args.folder / "vector.yaml"
        config.write_text(
            "data_dir: " + str(args.folder) + "\nsources: {i: {type: stdin}}\nsinks: {o: {type: blackhole, inputs: [i]}}\n"
        )
        tools["vector stdin -> blackhole"] = (["sh", "-c", f"exec vector -q -c {config} < {log}"], False)
    tools = {name: tool for name, tool in tools.items() if shutil.which(tool[0][0])}

    figures = {name: [] for name in tools}
    for turn in range(args.runs + 1):
        for name, (command, finds) in tools.items():
            out = str(args.folder / "out")
            figure = run(command, "/dev/null" if name == "cat" else out)
            if finds and count_of(out) != failed:
                sys.exit(f"{name} found {count_of(out)} of {failed} failures")
            if turn:
                figures[name].append(figure)
    size = os.path.getsize(log)
    print(f"{size / 1e6:.0f} MB, {failed} failures; medians of {args.runs} runs in turn\n")
    print(f"| {'':32} | wall s | CPU s | MB per CPU s | peak MiB | faultscope's CPU against it |")
    print(f"| {'-' * 32} | -----: | ----: | -----------: | -------: | --------------------------: |")
    medians = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in figures.items()}
    own = medians["faultscope scan (jsonl)"][1]
    for name, (wall, cpu, peak) in medians.items():
        print(f"| {name:32} | {wall:6.3f} | {cpu:5.3f} | {size / 1e6 / max(cpu, 1e-3):12.0f} | {peak:8.0f} | {cpu / own:26.2f}x |")


if __name__ == "__main__":
    main()
