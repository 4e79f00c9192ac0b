"""faultscope, the Collector with deploy/collector/collector.yaml, and the receivers that it routes to: every event arrives where the example says, in spite of a
receiver that refuses at first."""

import json
import subprocess
import sys
import urllib.request

from testsite import ROOT, Site, Trouble, fetch, free_port, wait

COLLECTOR = ROOT / "target/e2e/collector/collector"
RECEIVERS = ("oncall", "platform", "team", "rest")

# The example's own addresses are for a pod; everything else is as it stands there.
OVERRIDES = """
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: "127.0.0.1:{grpc}" }}, http: {{ endpoint: "127.0.0.1:{http}" }} }} }} }}
service: {{ telemetry: {{ metrics: {{ readers: [{{ pull: {{ exporter: {{ prometheus: {{ host: 127.0.0.1, port: {metrics} }} }} }} }}] }} }} }}
"""

# Container, log line, pattern, and where it has to arrive beside `rest`.
FAILURES = [
    ("kserve-container", "ImportError: No module named xgboost.sklearn", "python.import.module-not-found", {"oncall"}),
    # As fatal, but the first one explains it: nobody is woken twice.
    ("kserve-container", "[2026-02-11 08:14:20 +0000] [37] [ERROR] Exception in worker process", "gunicorn.worker.boot-failed", {"team"}),
    ("storage-initializer", "RuntimeError: Failed to fetch model. No model found in gs://acme-models/iris/v3.", "kserve.storage.model-not-found", {"team"}),
    ("coredns", "[ERROR] plugin/errors: 2 collector.example.com. A: read udp 10.4.0.9:53412->10.4.0.2:53: i/o timeout",
     "coredns.forward.upstream-timeout", {"platform"}),
]

OTHERS_LOG = {"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": [{"timeUnixNano": "1", "body": {"stringValue": "a log of somebody else"}}]}]}]}


def arrived(site, name):
    """The records that a receiver has."""
    path = site.folder / f"{name}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["record"] for line in lines]


def patterns(site, name):
    return {record["attributes"]["faultscope.pattern.id"] for record in arrived(site, name) if record["event_name"]}


def receiver(site, name, *options):
    """Starts one; gives its HTTP address."""
    # It lives as long as its standard input.
    command = (sys.executable, ROOT / "tests/e2e/receiver.py", site.folder / f"{name}.jsonl", *options)
    log = site.start(name, *command, stdin=subprocess.PIPE)
    return wait(f"the receiver {name}", lambda: site.alive() and log.read_text().strip()).split(",")[1]


def main():
    with Site() as site:
        addresses = {name: receiver(site, name) for name in RECEIVERS[:3]}
        addresses["rest"] = receiver(site, "rest", "--fail", "unavailable:2")
        ports = {name: free_port() for name in ("grpc", "http", "metrics")}
        overrides = site.write("overrides.yaml", OVERRIDES.format(**ports))
        environment = {f"{name.replace('rest', 'logs').upper()}_ENDPOINT": address for name, address in addresses.items()}
        site.start("collector", COLLECTOR, "--config", ROOT / "deploy/collector/collector.yaml", "--config", overrides, environment=environment)
        wait("the Collector", lambda: site.alive() and fetch(f"http://127.0.0.1:{ports['metrics']}/metrics"))

        site.faultscope(f"export: {{ otlp: {{ endpoint: 'http://127.0.0.1:{ports['grpc']}', protocol: grpc, compression: gzip }} }}\n")
        for container, line, pattern, routes in FAILURES:
            site.log(container, line)
            for name in {"rest", *routes}:
                wait(f"{pattern} at {name}", lambda: site.alive() and pattern in patterns(site, name))
        for name in RECEIVERS[:3]:
            wanted = {pattern for _, _, pattern, routes in FAILURES if name in routes}
            if patterns(site, name) != wanted:
                raise Trouble(f"{name} got {patterns(site, name)}, not {wanted}")

        request = urllib.request.Request(
            f"http://127.0.0.1:{ports['http']}/v1/logs", json.dumps(OTHERS_LOG).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()
        wait("somebody else's log", lambda: any(not record["event_name"] for record in arrived(site, "rest")))
        if any(not record["event_name"] for name in RECEIVERS[:3] for record in arrived(site, name)):
            raise Trouble("somebody else's log was routed as an event")
        print(f"the Collector has routed {len(FAILURES)} failures to {', '.join(RECEIVERS)}, and what is none to rest alone")


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(str(trouble))
