"""A folder with pod logs, and programs around it, for the end-to-end tests in Python.

Everything listens on loopback, every wait has a bound, and what was started is stopped when the site is left.
"""

import contextlib
import datetime
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAULTSCOPE = pathlib.Path(os.environ.get("FAULTSCOPE", ROOT / "target/release/faultscope"))
UID = "5a1f0c3e-7b2d-4e88-9c61-2f4d8a90b713"


class Trouble(Exception):
    """What the test found wrong."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait(what, look, seconds=30):
    """Waits until `look` gives something, and gives that."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Trouble(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


def fetch(url):
    """A page's text; nothing while nobody answers, or answers with an error."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def fetch_json(url):
    text = fetch(url)
    return json.loads(text) if text else None


class Site:
    """Use as a context manager."""

    def __enter__(self):
        folder = ROOT / "target/e2e"
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="site.", dir=folder))
        self.started = []
        return self

    def __exit__(self, kind, error, _):
        # Last started, first stopped: nobody is left talking to somebody who is gone.
        for name, process, log in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=15)
            if process.poll() is None:
                process.kill()
                process.wait()
            if kind:
                print(f"--- {name} said:\n{log.read_text(errors='replace')[-3000:]}")
        shutil.rmtree(self.folder)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, name, *command, environment=None, stdin=subprocess.DEVNULL):
        """Starts a program; what it says goes into a file of the site, whose path this gives."""
        log = self.folder / f"{name}.log"
        with open(log, "wb") as out:
            command = [str(word) for word in command]
            process = subprocess.Popen(command, stdin=stdin, stdout=out, stderr=out, cwd=self.folder, env=environment)
        self.started.append((name, process, log))
        return log

    def alive(self):
        """Insists that everything that was started still runs."""
        for name, process, _ in self.started:
            if process.poll() is not None:
                raise Trouble(f"{name} ended with {process.returncode}")
        return True

    def faultscope(self, configuration):
        """Starts faultscope on the site's pod logs, and gives where it serves its metrics."""
        config = self.write(
            "faultscope.yaml",
            f"state_dir: {self.folder}/state\n"
            f"sources: {{ files: {{ include: ['{self.folder}/pods/*/*/*.log'] }} }}\n"
            f"admin: {{ listen: '127.0.0.1:0' }}\n{configuration}",
        )
        (self.folder / "pods").mkdir(exist_ok=True)
        plain = {"PATH": os.environ["PATH"]}
        log = self.start("faultscope", FAULTSCOPE, "run", "--config", config, environment=plain)

        def address():
            found = [word for word in log.read_text().split() if word.startswith("address=")]
            return self.alive() and found and found[0].removeprefix("address=")

        serving = wait("faultscope to serve its metrics", address)
        wait("faultscope to be ready", lambda: fetch(f"http://{serving}/readyz"))
        return serving

    def log(self, container, line, pod="iris-predictor-00001-deployment-7c5d9b8f6-q4zkm"):
        """Appends a line to a container's log, as containerd writes it, under its present time."""
        path = self.folder / f"pods/ml_{pod}_{UID}/{container}/0.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        with open(path, "a", encoding="utf-8") as log:
            log.write(f"{now} stderr F {line}\n")
