#!/bin/sh
# Everything that takes other programs, all of it on loopback: the OTLP tests against a real receiver (receiver.py), the exporter in plain text and over mutual
# TLS, and `faultscope run` from log files to what arrives; then what is under deploy/, each by a script of its own, with target/release/faultscope (or FAULTSCOPE).
# Arguments go to the test program. Needs openssl, python3 with venv, prometheus and prometheus-alertmanager, and once package indexes for requirements.txt and
# for the Go modules; what needs Go isn't checked without it, and that is said.
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

work=$(mktemp -d -p "$home")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# A receiver lives as long as its standard input: a pipe that this shell holds open.
mkfifo "$work/hold"
exec 3<>"$work/hold"

# Starts a receiver in the background; sets `receiver` to where it is.
start() { # name, then the receiver's options
    name=$1
    shift
    "$venv/bin/python" tests/e2e/receiver.py "$PWD/$work/$name.jsonl" "$@" <"$work/hold" >"$work/$name.ready" 3>&- &
    tries=0
    while [ ! -s "$work/$name.ready" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$!" 2>/dev/null; then
            echo "the $name receiver did not start" >&2
            exit 1
        fi
        sleep 0.1
    done
    receiver=$(cat "$work/$name.ready")
}

tests/e2e/certificates.sh "$work/tls"
start plain --fail unavailable:2 --fail exhausted:1 --fail large:1 --fail partial:1 --fail invalid:1
export FAULTSCOPE_E2E_RECEIVER="$receiver"
start run --fail unavailable:2 --fail exhausted:1
export FAULTSCOPE_E2E_RUN_RECEIVER="$receiver"
start tls --tls "$work/tls"
export FAULTSCOPE_E2E_TLS_RECEIVER="$receiver"
export FAULTSCOPE_E2E_TLS_FILES="$PWD/$work/tls"

status=0
cargo test --test suite otlp -- --nocapture "$@" 3>&- || status=$?
exec 3>&-
wait
[ "$status" -eq 0 ] || exit "$status"

[ -n "${FAULTSCOPE:-}" ] || cargo build --release --quiet
for part in chart.sh rules.sh alerts.py unprivileged.sh collector.sh; do
    echo "==> tests/e2e/$part"
    case $part in
    *.py) "$venv/bin/python" "tests/e2e/$part" ;;
    *) "tests/e2e/$part" ;;
    esac
done
