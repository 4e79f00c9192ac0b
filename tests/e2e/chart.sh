#!/bin/bash
# The Helm chart: linted, rendered with each of tests/e2e/values, held to what it must refuse, and the Kustomize folders rendered from it. What comes out goes to
# tests/suite/deploy.rs, which reads every manifest as the API server would, and every configuration in them with the real binary.
# Needs Go for helm and kustomize; without it nothing is checked, and that is said.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tools.sh

if ! go_is 1.26; then
    not_checked "the Helm chart and its rendering" "helm is built from Go modules, and there is no Go 1.26 here"
    exit 0
fi
go_tool helm v3.22.0 helm.sh/helm/v3/cmd/helm
go_tool kustomize v5.8.2 sigs.k8s.io/kustomize/kustomize/v5
helm=$tools/helm-v3.22.0
kustomize=$tools/kustomize-v5.8.2
chart=deploy/helm/faultscope

mkdir -p target/e2e
work=$(mktemp -d -p "$PWD/target/e2e")
trap 'rm -rf "$work"' EXIT
# Nothing of this machine's own helm.
export HELM_CONFIG_HOME=$work/helm HELM_CACHE_HOME=$work/helm HELM_DATA_HOME=$work/helm

render() { # options
    "$helm" template watch "$chart" --namespace observability --kube-version 1.31.0 "$@"
}

mkdir "$work/manifests"
for values in tests/e2e/values/*.yaml; do
    name=$(basename "$values" .yaml)
    "$helm" lint "$chart" --strict --quiet --kube-version 1.31.0 --values "$values"
    render --values "$values" >"$work/manifests/$name.yaml"
done

# What a value is taken for by mistake is said before anything is installed.
refused() { # what helm must say, then the option
    if render "${@:2}" >"$work/refused" 2>&1; then
        echo "helm accepted ${*:2}" >&2
        exit 1
    fi
    grep -qF -- "$1" "$work/refused" || { echo "helm refused ${*:2}, but did not say: $1" >&2; cat "$work/refused" >&2; exit 1; }
}
refused "'cofnig' not allowed" --set cofnig.redact=true
refused "'tagg' not allowed" --set image.tagg=1
refused "'exporter' not allowed" --set config.exporter.otlp.endpoint=http://collector:4317
refused "'endpont' not allowed" --set config.export.otlp.endpont=http://collector:4317
refused "/config/export/otlp" --set config.export.otlp.protocol=thrift
refused "'state_dir' not allowed" --set config.state_dir=/tmp
refused "/config/repeats/window" --set config.repeats.window=soon
refused "/config/sources/files/read_from" --set config.sources.files.read_from=start
refused "/config/limits/line_bytes" --set config.limits.line_bytes=0
refused "'notes' not allowed" --set patterns.notes=x
refused "/admin/port" --set admin.port=70000
refused "/image/digest" --set image.digest=latest
refused "/image/pullPolicy" --set image.pullPolicy=Sometimes
refused "/state/hostPath" --set state.hostPath=faultscope
refused "/terminationGracePeriodSeconds" --set terminationGracePeriodSeconds=5
refused "/clusterEvents/replicas" --set clusterEvents.enabled=true,clusterEvents.replicas=0
refused "'maxSurge' not allowed" --set updateStrategy.rollingUpdate.maxSurge=1

HELM=$helm deploy/render.sh --check

# The folders as somebody would use them: both components on top of the base, in another namespace.
mkdir "$work/overlay"
cp -r deploy/kustomize "$work/kustomize"
cat >"$work/overlay/kustomization.yaml" <<'EOF'
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: watchers
resources: [../kustomize/base]
components: [../kustomize/components/cluster-events, ../kustomize/components/monitoring]
EOF
"$kustomize" build "$work/overlay" >"$work/manifests/kustomized.yaml"
grep -q '  namespace: faultscope$' "$work/manifests/kustomized.yaml" && { echo "something stays in the namespace of the base" >&2; exit 1; }

FAULTSCOPE_E2E_MANIFESTS=$work/manifests cargo test --quiet --test suite deploy::
echo "the chart holds: $(ls "$work/manifests" | wc -l) renderings"
