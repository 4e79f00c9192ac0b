#!/bin/bash
# deploy/collector against the real OpenTelemetry Collector, built from Go modules with as many components as it uses. Needs Go; without it nothing is checked, and
# that is said. Needs run.sh's virtual environment.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tools.sh

if ! go_is 1.25; then
    not_checked "the OpenTelemetry Collector's example" "the Collector is built from Go modules, and there is no Go 1.25 here"
    exit 0
fi
go_tool builder v0.149.0 go.opentelemetry.io/collector/cmd/builder
if ! cmp -s tests/e2e/collector-build.yaml target/e2e/collector/built-from.yaml; then
    echo "building the Collector"
    "$tools/builder-v0.149.0" --config tests/e2e/collector-build.yaml >target/e2e/collector-build.log 2>&1 || { cat target/e2e/collector-build.log >&2; exit 1; }
    cp tests/e2e/collector-build.yaml target/e2e/collector/built-from.yaml
fi
target/e2e/collector/collector validate --config deploy/collector/collector.yaml
target/e2e/venv/bin/python tests/e2e/collector.py
