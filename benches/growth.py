#!/usr/bin/env python3
"""What a scan costs as the catalogue grows, and in docker's framing beside CRI's: two tables of ratios.

    cargo build --release && benches/growth.py [--mib 128] [--runs 5] [--binary PATH]

The log is compare.py's, one line in a thousand a failure. Catalogues: the first 100 and 400 of the built-in patterns, and all of these with
made-up ones to 2,000, each read as packs of a user's own. Reading those is YAML and costs more than a start with what is built in, so the CPU
time of a log of one line is taken off: what is compared is the scanning. Runs are in turn; medians count. Needs Python and Linux.
"""
import argparse
import json
import random
import re
import statistics
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from compare import FAULTSCOPE, ROOT, run, workload

SYNTHETIC = """  - id: synthetic.{area}.failure-{number}
    title: A synthetic failure
    severity: error
    category: unknown
    match:
      all: ['{first} {second} of {third} {number} failed']
    cause: It is made up.
    fix: [Nothing.]
    references: ['https://example.com/']
    tests:
      fires: [{{ log: '{first} {second} of {third} {number} failed' }}]
      silent: [{{ log: '{first} {second} of {third} is well' }}]
"""
WORDS = "arena baker canal delta ember fjord gusto haven igloo joker kayak lemur mango nylon ocean pixel quilt raven sugar tulip".split()


def catalogue(folder, count):
    """A folder of packs with so many patterns: the built-in ones as far as they go, in the order of their files."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    left = count
    for pack in sorted((ROOT / "patterns").rglob("*.yaml")):
        head, *patterns = re.split(r"(?m)^(?=  - id: )", pack.read_text(encoding="utf-8"))
        taken = patterns[:left]
        left -= len(taken)
        if taken:
            (folder / pack.name).write_text(head + "".join(taken), encoding="utf-8")
    rng = random.Random(7)
    made = []
    for number in range(left):
        first, second, third = rng.sample(WORDS, 3)
        made.append(SYNTHETIC.format(area=first, number=number, first=first, second=second, third=third))
    if made:
        (folder / "synthetic.yaml").write_text("patterns:\n" + "".join(made), encoding="utf-8")
    return ["--no-builtin-patterns", "--patterns", str(folder)]


def docker(cri, path):
    """The same log in docker's framing."""
    with open(cri, encoding="utf-8") as lines, open(path, "w", encoding="utf-8") as out:
        for line in lines:
            time, stream, _, text = line.rstrip("\n").split(" ", 3)
            out.write(json.dumps({"log": text + "\n", "stream": stream, "time": time}, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mib", type=int, default=128)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--binary", default=str(FAULTSCOPE))
    options.add_argument("--folder", type=Path, default=ROOT / "target/compare")
    args = options.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    log, framed, one = (str(args.folder / name) for name in ("growth.log", "growth-docker.log", "one.log"))
    workload(log, args.mib << 20, 0.001, 1)
    docker(log, framed)
    Path(one).write_text("2031-05-17T09:14:02.7Z stdout F all is well\n")

    cases = {f"{count:,} patterns": (catalogue(args.folder / f"packs-{count}", count), log) for count in (100, 400, 2000)}
    cases |= {"built in, CRI": ([], log), "built in, json-file": ([], framed)}
    cpu = lambda more, path: run([args.binary, "scan", "--output", "jsonl", *more, path], str(args.folder / "out"))[1]
    figures = {name: [] for name in cases}
    for turn in range(args.runs + 1):
        for name, (more, path) in cases.items():
            start, whole = cpu(more, one), cpu(more, path)
            if turn:
                figures[name].append(whole - start)
    medians = {name: statistics.median(runs) for name, runs in figures.items()}
    print(f"{args.mib} MiB, start taken off; medians of {args.runs} runs in turn\n")
    print(f"| {'':20} | CPU s | against 100 patterns, or against CRI |")
    print(f"| {'-' * 20} | ----: | ----------------------------------: |")
    for name, seconds in medians.items():
        base = medians["built in, CRI" if "built in" in name else "100 patterns"]
        print(f"| {name:20} | {seconds:5.3f} | {seconds / base:34.2f}x |")


if __name__ == "__main__":
    main()
