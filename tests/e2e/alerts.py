"""From a log line to somebody's telephone: faultscope reads it, Prometheus scrapes faultscope and judges the rules of deploy/alerts, Alertmanager groups and
sends, and a webhook receives. Prints how many seconds that took, and insists on less than fifteen.

Beside that, Prometheus is asked every query of the dashboard: what it can't parse would be an empty panel.
"""

import http.server
import json
import sys
import threading
import time
import urllib.parse

from testsite import ROOT, Site, Trouble, fetch, fetch_json, free_port, wait

ALERTS = ROOT / "deploy/alerts/faultscope.yaml"
DASHBOARD = ROOT / "deploy/grafana/faultscope.json"
LIMIT = 15

PROMETHEUS = """
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: faultscope
    static_configs: [{{ targets: ["{faultscope}"] }}]
alerting:
  alertmanagers: [{{ static_configs: [{{ targets: ["127.0.0.1:{alertmanager}"] }}] }}]
"""

ALERTMANAGER = """
route: {{ receiver: telephone, group_by: [alertname, pattern], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }}
receivers: [{{ name: telephone, webhook_configs: [{{ url: "http://127.0.0.1:{webhook}/", send_resolved: false }}] }}]
"""

# Pattern, alert, container, log line.
FAILURES = [
    (
        "kserve.storage.model-not-found",
        "FaultscopeFailure",
        "storage-initializer",
        "RuntimeError: Failed to fetch model. No model found in gs://acme-models/iris/v3.",
    ),
    (
        "nvidia.gpu.fallen-off-bus",
        "FaultscopeFatalFailure",
        "kserve-container",
        "NVRM: Xid (PCI:0000:3b:00): 79, pid=4127, GPU has fallen off the bus.",
    ),
]


class Webhook:
    """Takes alerts, and when each came."""

    def __init__(self):
        self.alerts = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.alerts += [(time.monotonic(), alert["labels"]) for alert in body["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def find(self, alert, pattern):
        """When an alert of this pattern came."""
        return next((at for at, labels in self.alerts if (labels["alertname"], labels.get("pattern")) == (alert, pattern)), None)


def query(prometheus, expression):
    """Prometheus' answer to a query; its own words if it can't be asked that."""
    url = f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    answer = fetch_json(url)
    if not answer or answer["status"] != "success":
        raise Trouble(f"Prometheus can't be asked: {expression}")
    return answer["data"]["result"]


def dashboard(prometheus):
    """Asks every query of the dashboard; gives how many."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    targets = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    for expression in targets:
        for variable, value in (("$__rate_interval", "1m"), ("$__range", "1h"), ("$instance", ".*")):
            expression = expression.replace(variable, value)
        if "$" in expression:
            raise Trouble(f"what is the variable in {expression}")
        query(prometheus, expression)
    return len(targets)


def main():
    webhook = Webhook()
    with Site() as site:
        faultscope = site.faultscope("export: { jsonl: { path: events.jsonl } }\n")
        ports = {"webhook": webhook.port, "alertmanager": free_port(), "prometheus": free_port()}
        config = site.write("alertmanager.yml", ALERTMANAGER.format(**ports))
        site.start(
            "alertmanager", "prometheus-alertmanager", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            "--cluster.listen-address=", f"--storage.path={site.folder}/alertmanager",
        )
        config = site.write("prometheus.yml", PROMETHEUS.format(rules=ALERTS, faultscope=faultscope, **ports))
        site.start(
            "prometheus", "prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
            f"--storage.tsdb.path={site.folder}/tsdb",
        )
        prometheus = f"http://127.0.0.1:{ports['prometheus']}"
        wait("Alertmanager", lambda: site.alive() and fetch(f"http://127.0.0.1:{ports['alertmanager']}/-/ready"))
        wait("Prometheus", lambda: site.alive() and fetch(f"{prometheus}/-/ready"))
        wait("a first scrape", lambda: site.alive() and query(prometheus, "faultscope_ready == 1"))
        wait("Prometheus to know Alertmanager", lambda: fetch_json(f"{prometheus}/api/v1/alertmanagers")["data"]["activeAlertmanagers"])
        if webhook.alerts:
            raise Trouble(f"alerts before anything failed: {webhook.alerts}")

        for pattern, alert, container, line in FAILURES:
            site.log(container, line)
            written = time.monotonic()
            arrived = wait(f"{alert} of {pattern}", lambda: site.alive() and webhook.find(alert, pattern), seconds=LIMIT)
            print(f"{pattern}: {alert} arrived {arrived - written:.1f} s after the log line (at most {LIMIT} are allowed)")
        others = {labels["alertname"] for _, labels in webhook.alerts} - {alert for _, alert, _, _ in FAILURES}
        if others:
            raise Trouble(f"alerts that nobody asked for: {others}")
        print(f"Prometheus understands the dashboard's {dashboard(prometheus)} queries")


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(str(trouble))
