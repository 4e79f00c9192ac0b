#!/bin/sh
# The alert rules, by the checker and the unit tests of Debian's Prometheus; and that a rule which can't fire fails them.
set -eu
cd "$(dirname "$0")/../.."

promtool check rules --lint-fatal deploy/alerts/faultscope.yaml
promtool test rules deploy/alerts/tests.yaml

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed 's/faultscope_events_total{severity="ERROR"}/faultscope_events_total{severity="error"}/g' deploy/alerts/faultscope.yaml >"$work/faultscope.yaml"
cp deploy/alerts/tests.yaml "$work"
if promtool test rules "$work/tests.yaml" >/dev/null 2>&1; then
    echo "the tests of the alerts hold for an alert that can't fire" >&2
    exit 1
fi
