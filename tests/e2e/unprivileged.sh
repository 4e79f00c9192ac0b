#!/bin/bash
# The binary as the chart's DaemonSet runs it, as far as that can be had without a container runtime: the user and group of the manifest, no capability, no new
# privileges, a root that is read-only, pod logs (0640, root's) mounted read-only, and a state folder. What the runtime's seccomp profile refuses isn't part of it.
# Needs root and mount namespaces; without them nothing is checked, and that is said.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tools.sh
binary=${FAULTSCOPE:-target/release/faultscope}
manifest=deploy/kustomize/base/daemonset.yaml

if [ "${1:-}" = inside ]; then
    # In namespaces of its own. Nothing of this is seen outside, and all of it goes with the last process.
    work=$2 uid=$3 gid=$4
    root=$work/root
    mount -t tmpfs -o mode=755 root "$root"
    read_only() { # what, where
        mkdir -p "$root$2"
        mount --bind "$1" "$root$2"
        mount -o remount,bind,ro "$root$2"
    }
    # For the dynamic linker; the image has neither it nor anything else.
    read_only /usr /usr
    for link in bin lib lib64; do cp -P "/$link" "$root/$link"; done
    mkdir -p "$root/proc" "$root/var/lib/faultscope"
    mount -t proc proc "$root/proc"
    cp "$binary" "$root/faultscope"
    read_only "$work/pods" /var/log/pods
    read_only "$work/config" /etc/faultscope/config
    read_only "$work/patterns" /etc/faultscope/patterns
    mount --bind "$work/state" "$root/var/lib/faultscope"
    mount -o remount,ro "$root"
    as() { # uid, then the command
        chroot "$root" setpriv --reuid "$1" --regid "$gid" --clear-groups --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs "${@:2}"
    }
    must_fail() {
        if "$@" 2>/dev/null; then echo "this should have been refused: $*" >&2; exit 1; fi
    }
    must_fail as "$uid" touch /probe
    must_fail as "$uid" touch /var/log/pods/probe
    # Without capabilities root is a user like any other.
    must_fail as "$uid" cat /etc/faultscope/config/somebodys
    # And another user can't read what the runtime writes: that is why the DaemonSet is root.
    gid=65532 must_fail as 65532 cat "/${log:?}"
    as "$uid" touch /var/lib/faultscope/probe
    exec chroot "$root" setpriv --reuid "$uid" --regid "$gid" --clear-groups --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs \
        /faultscope run --config /etc/faultscope/config/faultscope.yaml
fi

if [ "$(id -u)" -ne 0 ] || ! unshare --mount --net --pid --fork true 2>/dev/null; then
    not_checked "the chart's security settings" "they need root and namespaces"
    exit 0
fi
mkdir -p target/e2e
work=$(mktemp -d -p "$PWD/target/e2e")
agent=
stop() {
    [ -z "$agent" ] || kill "$agent" 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

value() { # a key of the manifest's securityContext
    sed -n "s/^ *$1: \([0-9]*\)$/\1/p" "$manifest" | head -n 1
}
uid=$(value runAsUser) gid=$(value runAsGroup)
mkdir -p "$work"/{root,pods,config,patterns,state}
chmod 755 "$work" "$work"/*
# The configuration that ships, without the API server, which isn't there.
sed -n '/^  faultscope.yaml: |$/,$ { s/^    //p }' deploy/kustomize/base/configmap.yaml | sed '/^kubernetes:$/,/^[a-z_]*:/ { /^kubernetes:$/d; /^ /d }' >"$work/config/faultscope.yaml"
echo secret >"$work/config/somebodys"
chown 65532:65532 "$work/config/somebodys"
chmod 600 "$work/config/somebodys"
pod=ml_iris-predictor-00001-deployment-7c5d9b8f6-q4zkm_5a1f0c3e-7b2d-4e88-9c61-2f4d8a90b713/storage-initializer
mkdir -p "$work/pods/$pod"
umask 027
: >"$work/pods/$pod/0.log"
[ "$(stat -c '%a %u %g' "$work/pods/$pod/0.log")" = "640 0 0" ]

log=var/log/pods/$pod/0.log unshare --mount --net --pid --fork --kill-child "$0" inside "$work" "$uid" "$gid" >"$work/stdout" 2>"$work/stderr" 3>&- &
unshare=$!
wait_for() { # what, then a command that says whether it is there
    for _ in $(seq 300); do
        "${@:2}" >/dev/null 2>&1 && return
        kill -0 $unshare 2>/dev/null || break
        sleep 0.1
    done
    echo "no $1; it said:" >&2
    cat "$work/stderr" "$work/stdout" >&2
    exit 1
}
wait_for "start" grep -q 'serving /metrics.*address=0.0.0.0:9464' "$work/stderr"
agent=$(cut -d' ' -f1 /proc/$unshare/task/$unshare/children)
status=$(grep -E '^(Uid|Gid|Cap|NoNewPrivs)' "/proc/$agent/status" | tr '\t' ' ')
for line in "Uid: $uid $uid $uid $uid" "Gid: $gid $gid $gid $gid" "NoNewPrivs: 1" $(printf 'Cap%s:_0000000000000000 ' Inh Prm Eff Bnd Amb); do
    grep -qxF "${line//_/ }" <<<"$status" || { echo "not as the chart says: $line" >&2; echo "$status" >&2; exit 1; }
done
echo "$(date -u +%Y-%m-%dT%H:%M:%S.000000000Z) stderr F RuntimeError: Failed to fetch model. No model found in gs://acme-models/iris/v3." >>"$work/pods/$pod/0.log"
wait_for "event" grep -q kserve.storage.model-not-found "$work/stdout"
wait_for "checkpoint" test -s "$work/state/checkpoints.json"
kill "$agent"
agent=
wait $unshare || { echo "it did not end well" >&2; cat "$work/stderr" >&2; exit 1; }
echo "as user $uid without a capability, on a read-only root, it reads what is root's (0640), tells the failure, and keeps its checkpoints"
