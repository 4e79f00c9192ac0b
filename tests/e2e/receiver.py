#!/usr/bin/env python3
"""An OTLP log receiver for tests: gRPC and HTTP (/v1/logs; protobuf or JSON, gzip or plain) on loopback.

Appends every log record it takes to a file, one JSON object a line:

    {"transport": "grpc", "headers": {…}, "encoding": "gzip",
     "resource": {…}, "scope": {"name", "version"}, "schema_url": "…", "record": {…}}

`encoding` is null for gRPC, whose library keeps it to itself. `resource` and the record's `attributes` are plain
objects; times are strings of nanoseconds, ids hex. Bodies are read by the libraries of the OpenTelemetry and protobuf
projects, so what is written here is what any receiver would read.

Metrics (/v1/metrics, and the metrics service) it takes without any failure, a line each:
`{"transport": "metrics grpc", "service": "…", "metrics": {"name": sum of its points, …}}`.

Once it listens it prints one line: <grpc url>,<http url>,<output file>. It ends when its standard input does.

`--fail KIND:N` (repeatable) answers the first N requests of each transport with KIND, in the order given, and takes no
record of them: `unavailable` (503 / UNAVAILABLE), `exhausted` (429 with Retry-After / RESOURCE_EXHAUSTED with RetryInfo),
`invalid` (400 / INVALID_ARGUMENT), `large` (413 / RESOURCE_EXHAUSTED as for a message over the limit). `partial` takes
all records but the first, and says so.

`--tls DIR` serves TLS with DIR/server.pem and server-key.pem, and insists on a client certificate signed by DIR/ca.pem.
"""

import argparse
import base64
import collections
import concurrent.futures
import gzip
import json
import pathlib
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from google.protobuf import any_pb2, duration_pb2, json_format
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc

KINDS = ("unavailable", "exhausted", "invalid", "large", "partial")
MAX_BODY = 16 * 1024 * 1024


def plain(value):
    """An AnyValue as the JSON value it stands for."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind) if kind else None


def attributes(pairs):
    """Attributes as an object. A name that comes twice breaks the protocol, so it is refused."""
    found = {}
    for pair in pairs:
        if pair.key in found:
            raise ValueError(f"attribute {pair.key} comes twice")
        found[pair.key] = plain(pair.value)
    return found


def record_object(record):
    return {
        "time_unix_nano": str(record.time_unix_nano),
        "observed_time_unix_nano": str(record.observed_time_unix_nano),
        "severity_number": record.severity_number,
        "severity_text": record.severity_text,
        "body": plain(record.body),
        "attributes": attributes(record.attributes),
        "trace_id": record.trace_id.hex(),
        "span_id": record.span_id.hex(),
        "event_name": record.event_name,
    }


class Store:
    """The output file, and what is left of the failures to play."""

    def __init__(self, path, failures):
        self.lock = threading.Lock()
        self.out = open(path, "a", encoding="utf-8")
        self.failures = collections.defaultdict(lambda: collections.deque(failures))

    def next_failure(self, transport):
        with self.lock:
            left = self.failures[transport]
            return left.popleft() if left else None

    def take(self, request, transport, headers, encoding, skip=0):
        """Writes the records but the first `skip`; says how many were left out."""
        lines = []
        for logs in request.resource_logs:
            for scoped in logs.scope_logs:
                for record in scoped.log_records:
                    lines.append({
                        "transport": transport,
                        "headers": headers,
                        "encoding": encoding,
                        "resource": attributes(logs.resource.attributes),
                        "scope": {"name": scoped.scope.name, "version": scoped.scope.version},
                        "schema_url": scoped.schema_url,
                        "record": record_object(record),
                    })
        with self.lock:
            for line in lines[skip:]:
                self.out.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.out.flush()
        return min(skip, len(lines))


    def take_metrics(self, request, transport):
        lines = []
        for resource in request.resource_metrics:
            metrics = [metric for scoped in resource.scope_metrics for metric in scoped.metrics]
            service = attributes(resource.resource.attributes).get("service.name")
            lines.append({"transport": transport, "service": service, "metrics": {m.name: total(m) for m in metrics}})
        with self.lock:
            for line in lines:
                self.out.write(json.dumps(line) + "\n")
            self.out.flush()
        return metrics_service_pb2.ExportMetricsServiceResponse()


def total(metric):
    """The sum over a metric's points, whatever their labels."""
    points = getattr(metric, metric.WhichOneof("data")).data_points
    return sum(point.as_int or point.as_double for point in points)


def response(rejected):
    answer = logs_service_pb2.ExportLogsServiceResponse()
    if rejected:
        answer.partial_success.rejected_log_records = rejected
        answer.partial_success.error_message = "the first record is not wanted"
    return answer


class Grpc(logs_service_pb2_grpc.LogsServiceServicer):
    CODES = {
        "unavailable": (grpc.StatusCode.UNAVAILABLE, "not now"),
        "exhausted": (grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down"),
        "invalid": (grpc.StatusCode.INVALID_ARGUMENT, "not like this"),
        "large": (grpc.StatusCode.RESOURCE_EXHAUSTED, "grpc: received message larger than max (2 vs. 1)"),
    }

    def __init__(self, store):
        self.store = store

    def Export(self, request, context):
        failure = self.store.next_failure("grpc")
        if failure in self.CODES:
            code, message = self.CODES[failure]
            if failure == "exhausted":
                context.set_trailing_metadata((("grpc-status-details-bin", retry_details(code, message)),))
            context.abort(code, message)
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        try:
            return response(self.store.take(request, "grpc", metadata, None, skip=int(failure == "partial")))
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


class GrpcMetrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, store):
        self.store = store

    def Export(self, request, context):
        return self.store.take_metrics(request, "metrics grpc")


def retry_details(code, message):
    detail = any_pb2.Any()
    wait = duration_pb2.Duration(nanos=1_000_000)
    detail.Pack(error_details_pb2.RetryInfo(retry_delay=wait))
    return status_pb2.Status(code=code.value[0], message=message, details=[detail]).SerializeToString()


class Http(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = None
    STATUSES = {"unavailable": 503, "exhausted": 429, "invalid": 400, "large": 413}

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), MAX_BODY))
        content_type = self.headers.get("Content-Type", "")
        if self.path == "/v1/metrics" and content_type in ("application/x-protobuf", "application/json"):
            self.metrics(body, content_type)
            return
        if self.path != "/v1/logs" or content_type not in ("application/x-protobuf", "application/json"):
            self.answer(404 if self.path != "/v1/logs" else 415, "text/plain", b"no such thing here")
            return
        failure = self.store.next_failure(content_type)
        if failure in self.STATUSES:
            extra = {"Retry-After": "1"} if failure == "exhausted" else {}
            status = status_pb2.Status(message=failure)
            self.answer(self.STATUSES[failure], content_type, encoded(status, content_type), extra)
            return
        encoding = self.headers.get("Content-Encoding", "identity")
        headers = {key.lower(): value for key, value in self.headers.items()}
        try:
            request = decoded(body, content_type, encoding)
            rejected = self.store.take(request, content_type, headers, encoding, skip=int(failure == "partial"))
        except Exception as error:  # whatever it is, the sender has to hear of it
            status = status_pb2.Status(code=3, message=f"{type(error).__name__}: {error}")
            self.answer(400, content_type, encoded(status, content_type))
            return
        self.answer(200, content_type, encoded(response(rejected), content_type))

    def metrics(self, body, content_type):
        request = metrics_service_pb2.ExportMetricsServiceRequest()
        if content_type == "application/json":
            json_format.Parse(body, request)
        else:
            request.ParseFromString(body)
        answer = self.store.take_metrics(request, f"metrics {content_type}")
        self.answer(200, content_type, encoded(answer, content_type))

    def answer(self, status, content_type, body, extra=None):
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            extra = {**(extra or {}), "Content-Encoding": "gzip"}
        self.send_response(status)
        for name, value in {**(extra or {}), "Content-Type": content_type, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def decoded(body, content_type, encoding):
    if encoding == "gzip":
        body = gzip.decompress(body)
    request = logs_service_pb2.ExportLogsServiceRequest()
    if content_type == "application/x-protobuf":
        request.ParseFromString(body)
        return request
    document = json.loads(body)
    for logs in document.get("resourceLogs", []):
        for scoped in logs.get("scopeLogs", []):
            for record in scoped.get("logRecords", []):
                check_json(record)
                # OTLP/JSON has ids in hex where JSON protobuf, which reads the rest, has base64.
                for name in ("traceId", "spanId"):
                    if record.get(name):
                        record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()
    json_format.ParseDict(document, request)
    return request


def check_json(record):
    """The rules of OTLP/JSON that the protobuf library would not insist on."""
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        if not isinstance(record.get(name, "0"), str):
            raise ValueError(f"{name} is not a string")
    if not isinstance(record.get("severityNumber", 0), int):
        raise ValueError("severityNumber is not a number")


def encoded(message, content_type):
    if content_type == "application/json":
        return json_format.MessageToJson(message, indent=None).encode()
    return message.SerializeToString()


def failures(words):
    plan = []
    for word in words:
        kind, _, count = word.partition(":")
        if kind not in KINDS:
            raise SystemExit(f"--fail {word}: one of {', '.join(KINDS)} is wanted, then a colon and a number")
        plan += [kind] * int(count or "1")
    return plan


def grpc_credentials(folder):
    files = [folder.joinpath(name).read_bytes() for name in ("server-key.pem", "server.pem", "ca.pem")]
    return grpc.ssl_server_credentials([(files[0], files[1])], root_certificates=files[2], require_client_auth=True)


def http_context(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class Web(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away, or fails the handshake, is part of the tests."""


def main():
    parser = argparse.ArgumentParser(description="An OTLP log receiver for tests.")
    parser.add_argument("output", help="file to append records to")
    parser.add_argument("--fail", action="append", default=[], metavar="KIND:N")
    parser.add_argument("--grpc-port", type=int, default=0)
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--tls", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    store = Store(options.output, failures(options.fail))

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4))
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Grpc(store), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(GrpcMetrics(store), server)
    address = f"127.0.0.1:{options.grpc_port}"
    if options.tls:
        grpc_port = server.add_secure_port(address, grpc_credentials(options.tls))
    else:
        grpc_port = server.add_insecure_port(address)
    server.start()

    Http.store = store
    web = Web(("127.0.0.1", options.http_port), Http)
    if options.tls:
        # The handshake is left to the connection's own thread: on accept it would hold up everybody else.
        web.socket = http_context(options.tls).wrap_socket(web.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=web.serve_forever, daemon=True).start()

    scheme = "https" if options.tls else "http"
    urls = [f"{scheme}://127.0.0.1:{port}" for port in (grpc_port, web.server_port)]
    print(",".join([*urls, options.output]), flush=True)
    sys.stdin.read()
    web.shutdown()
    server.stop(grace=None)


if __name__ == "__main__":
    main()
