#!/usr/bin/env python3
"""`faultscope run` end to end, against an OTLP receiver of our own: a table of latencies, CPU time, memory and throughput.

    cargo build --release && benches/agent.py [latency] [load] [tail] [idle] [export] [--binary PATH] [--events 100000] [--protocol grpc]

Logs lie as on a node, in a temporary folder; their lines are those of compare.py. The receiver is a process of its own and counts records.
Repeats aren't folded, so every failing line is an event; if events are missing there is no table. Needs Linux, Python alone (for gRPC the
package grpcio too), and two cores with nothing else to do: the second is for the writer and the receiver.

latency  from the write of a failing line to its arrival: when a line follows at once, and when none does (a trace's head waits for it)
load     the same, with a line that follows, while another file is read as fast as it goes
tail     20 files that grow by 5 MB/s in all, in writes of 4 KiB, one line in a thousand failing
idle     500 files of 64 KiB, read and then left alone; 10 of them, for the memory
export   a file of failing lines, a healthy one after each, from its appearance to the arrival of the last event
"""
import argparse
import http.server
import itertools
import json
import multiprocessing
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

sys.dont_write_bytecode = True
from compare import FAULTSCOPE, ROOT, workload

CONTAINER, PATIENCE = "main", 60


def varint(data, at):
    value, start = data[at] & 127, at
    while data[at] > 127:
        at += 1
        value |= (data[at] & 127) << 7 * (at - start)
    return value, at + 1


def messages(data, span, wanted):
    """Where the messages of one field are, within a message."""
    at, end = span
    while at < end:
        key, at = varint(data, at)
        size, at = varint(data, at) if key & 7 in (0, 2) else ({1: 8, 5: 4}[key & 7], at)
        if key == wanted << 3 | 2:
            yield at, at + size
        at += size if key & 7 else 0


def count_records(data):
    """Those of an ExportLogsServiceRequest: resource_logs, scope_logs, log_records."""
    scopes = [scope for resource in messages(data, (0, len(data)), 1) for scope in messages(data, resource, 2)]
    return sum(1 for scope in scopes for _ in messages(data, scope, 2))


def receive_grpc(parent):
    """The same by gRPC."""
    import grpc

    def export(data, _):
        parent.send((time.monotonic(), count_records(data)))
        return b""

    method = grpc.unary_unary_rpc_method_handler(export)
    service = grpc.method_handlers_generic_handler("opentelemetry.proto.collector.logs.v1.LogsService", {"Export": method})
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((service,))
    parent.send(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    server.wait_for_termination()


def receive(parent):
    """The receiver's process: tells its port, takes everything, and tells when how many records came."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_POST(self):
            data = self.rfile.read(int(self.headers["Content-Length"]))
            arrived = time.monotonic()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            parent.send((arrived, count_records(data)))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    parent.send(server.server_address[1])
    server.serve_forever()


RECEIVERS = {"http/protobuf": receive, "grpc": receive_grpc}


class Agent:
    """An agent on a folder of logs, and its receiver. It is ready: a first event has arrived."""

    def __init__(self, args):
        self.temporary = tempfile.TemporaryDirectory(dir=args.folder)
        self.folder, self.came = Path(self.temporary.name), 0
        self.arrivals, parent = multiprocessing.Pipe(duplex=False)
        self.receiver = multiprocessing.Process(target=RECEIVERS[args.protocol], args=(parent,), daemon=True)
        self.receiver.start()
        (self.folder / "config.yaml").write_text(f"""
state_dir: {self.folder}/state
sources: {{ files: {{ include: ["{self.folder}/pods/*/*/*.log"], read_from: beginning }} }}
repeats: {{ window: 0s }}
export: {{ otlp: {{ endpoint: "http://127.0.0.1:{self.arrivals.recv()}", protocol: {args.protocol} }} }}
admin: {{ listen: null }}
""")
        command, self.stderr = [args.binary, "run", "--config", self.folder / "config.yaml"], self.folder / "stderr"
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=self.stderr.open("wb"))
        self.log("first").write_bytes(failing(args))
        self.events(1)

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.receiver.terminate()
        self.temporary.cleanup()

    def log(self, pod):
        path = self.folder / f"pods/shop_{pod}_0d9f5c2e-8f55-4f0e-9a51-6a6f9d0c3b11/{CONTAINER}/0.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def events(self, count):
        """Waits for so many events more. Gives when the last of them came."""
        last, wanted = None, self.came + count
        while self.came < wanted:
            if not self.arrivals.poll(PATIENCE):
                self.process.kill()
                sys.exit(f"{self.came} of {wanted} events came\n{self.stderr.read_text()}")
            last, records = self.arrivals.recv()
            self.came += records
        return last

    def proc(self, file, pattern):
        return sum(map(int, re.search(pattern, Path(f"/proc/{self.process.pid}/{file}").read_text()).groups()))

    def bytes_read(self):
        return self.proc("io", r"rchar: (\d+)")

    def cpu(self, file="stat"):
        return self.proc(file, r"\) \S" + r" \S+" * 10 + r" (\d+) (\d+)") / os.sysconf("SC_CLK_TCK")

    def sending_cpu(self):
        """Of the first thread, which turns events into requests and sends them; the reader has one of its own."""
        return self.cpu(f"task/{self.process.pid}/stat")

    def sample(self, log, data, pause=0.0):
        """Seconds from the write of a failing line to its arrival, after a pause."""
        time.sleep(random.uniform(0, pause))
        began = time.monotonic()
        log.write(data)
        return self.events(1) - began


def framed(line="I0517 09:14:02.318104       1 main.go:73] all is well"):
    now = time.time_ns()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now // 10**9))}.{now % 10**9:09}Z stderr F {line}\n".encode()


def failing(args, follows=True):
    """A failing line, and a healthy one."""
    return framed(random.choice(args.failures)) + (framed() if follows else b"")


def known_failures(args, path):
    """Those of failures.tsv that `faultscope scan` knows in this container too."""
    lines = [row.split("\t", 1)[1] for row in (ROOT / "benches/failures.tsv").read_text(encoding="utf-8").splitlines()]
    path.write_bytes(b"".join(framed(line) + framed() for line in lines))
    command = [args.binary, "scan", "--container", CONTAINER, "--output", "jsonl", path]
    events = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [lines[json.loads(event)["line"] // 2] for event in events.splitlines()]


def milliseconds(samples):
    p99 = sorted(samples)[int(len(samples) * 0.99)]
    return f"{statistics.median(samples) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms of {len(samples)}"


def latency(args):
    with closing(Agent(args)) as agent, open(agent.log("quiet"), "ab", buffering=0) as log:
        for follows, name, target in ((True, "a line follows", "5 ms, p99 50 ms"), (False, "none follows", "")):
            samples = [agent.sample(log, failing(args, follows), 0.1) for _ in range(args.samples if follows else 30)]
            yield f"latency, {name}", milliseconds(samples), target


def load(args):
    whole = args.folder / "large.log"
    whole.write_bytes(args.healthy.read_bytes() * -(-args.mib // 32))
    with closing(Agent(args)) as agent, open(agent.log("quiet"), "ab", buffering=0) as log:
        agent.sample(log, failing(args))
        size, before, cpu, began, samples = whole.stat().st_size, agent.bytes_read(), agent.cpu(), time.monotonic(), []
        whole.rename(agent.log("busy"))
        while (done := agent.bytes_read() - before) < size:
            samples += [agent.sample(log, failing(args), 0.01)] if done > 2**20 else []
        wall, cpu = time.monotonic() - began, agent.cpu() - cpu
        yield "latency while another file is read", milliseconds(samples), "p99 500 ms"
        yield "the reading of that", f"{size / 1e6 / wall:.0f} MB/s, {size / 1e6 / cpu:.0f} MB per CPU s", ""


def tail(args):
    rate, healthy = 5_000_000, itertools.cycle(args.healthy.read_bytes().splitlines(keepends=True))
    with closing(Agent(args)) as agent:
        logs = itertools.cycle([agent.log(f"tail-{number}").open("ab", buffering=0) for number in range(20)])
        cpu, began, written, lines, failed = agent.cpu(), time.monotonic(), 0, 0, 0
        while written < rate * args.seconds:
            data = failing(args) if lines // 1000 > failed else b""
            failed += bool(data)
            while len(data) < 4096 - 256:
                data, lines = data + next(healthy), lines + 1
            time.sleep(max(began + written / rate - time.monotonic(), 0))
            written += next(logs).write(data)
        took, cpu = time.monotonic() - began, agent.cpu() - cpu
        agent.events(failed)
        yield f"live tail of {written / 1e6 / took:.1f} MB/s", f"{cpu / took:.2%} of a core, all {failed} events", "2 %"


def idle(args):
    lines = args.healthy.read_bytes().splitlines(keepends=True)
    share = len(lines) // 512
    for files, target in ((500, "40 MiB"), (10, "24 MiB")):
        with closing(Agent(args)) as agent:
            wanted = agent.bytes_read()
            for number in range(files):
                wanted += agent.log(f"idle-{number}").write_bytes(b"".join(lines[number * share : (number + 1) * share]))
            while agent.bytes_read() < wanted:
                time.sleep(0.1)
            time.sleep(3)
            if files == 500:
                cpu = agent.cpu()
                time.sleep(args.seconds)
                yield f"idle, {files} files", f"{(agent.cpu() - cpu) / args.seconds:.2%} of a core", "0.3 %"
            yield f"peak of memory, {files} files", f"{agent.proc('status', 'VmHWM:[^0-9]*([0-9]+)') / 1024:.1f} MiB", target


def export(args):
    with closing(Agent(args)) as agent:
        whole = agent.folder / "failing.log"
        whole.write_bytes(b"".join(failing(args) for _ in range(args.events)))
        cpu, sending, began = agent.cpu(), agent.sending_cpu(), time.monotonic()
        whole.rename(agent.log("failing"))
        wall, cpu, sending = agent.events(args.events) - began, agent.cpu() - cpu, agent.sending_cpu() - sending
        yield f"export, all {args.events} events", f"{args.events / wall:.0f}/s, {args.events / cpu:.0f} per CPU s", ""
        yield "the sending alone", f"{args.events / sending:.0f} per CPU s", "100000 per CPU s"


def main():
    measurements = {measure.__name__: measure for measure in (latency, load, tail, idle, export)}
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("measurements", nargs="*", metavar="measurement", help=", ".join(measurements))
    options.add_argument("--binary", type=Path, default=FAULTSCOPE)
    options.add_argument("--protocol", choices=RECEIVERS, default="http/protobuf")
    for name, default in (("events", 100_000), ("mib", 1024), ("samples", 100), ("seconds", 20), ("seed", 1)):
        options.add_argument(f"--{name}", type=int, default=default)
    args = options.parse_args()
    if not set(args.measurements) <= set(measurements):
        options.error(f"measurements are {', '.join(measurements)}")
    random.seed(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        args.folder, args.healthy = Path(folder), Path(folder) / "healthy.log"
        args.failures = known_failures(args, args.folder / "failures.log")
        workload(args.healthy, 32 << 20, 0, args.seed)
        rows = [row for name in args.measurements or measurements for row in measurements[name](args)]
    print(f"| {'':36} | {'measured':34} | {'target':16} |\n| {'-' * 36} | {'-' * 34} | {'-' * 16} |")
    print("\n".join(f"| {name:36} | {value:34} | {target:16} |" for name, value, target in rows))


if __name__ == "__main__":
    main()
