#!/bin/sh
# Runs the OTLP tests against a real receiver (receiver.py) on loopback. Arguments go to the test program.
# Needs python3 with venv, and once a package index for requirements.txt.
set -eu
cd "$(dirname "$0")/../.."

home=target/e2e
venv=$home/venv
mkdir -p "$home"
if ! cmp -s tests/e2e/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/e2e/requirements.txt
    cp tests/e2e/requirements.txt "$venv/requirements.txt"
fi

work=$(mktemp -d "$home/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The receiver lives as long as its standard input: a pipe that this shell holds open.
mkfifo "$work/hold"
"$venv/bin/python" tests/e2e/receiver.py "$PWD/$work/records.jsonl" \
    --fail unavailable:2 --fail exhausted:1 --fail large:1 --fail partial:1 --fail invalid:1 \
    <"$work/hold" >"$work/ready" &
receiver=$!
exec 3>"$work/hold"

tries=0
while [ ! -s "$work/ready" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$receiver" 2>/dev/null; then
        echo "the receiver did not start" >&2
        exit 1
    fi
    sleep 0.1
done

status=0
FAULTSCOPE_E2E_RECEIVER=$(cat "$work/ready") cargo test --test otlp_receiver -- --nocapture "$@" || status=$?
exec 3>&-
wait "$receiver" || true
exit "$status"
