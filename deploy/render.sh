#!/usr/bin/env bash
# Renders deploy/kustomize from the chart: `render.sh` writes it, `render.sh --check` says what is stale and changes nothing. Needs helm, or one named by HELM.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
helm=${HELM:-helm}

rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT

# One folder of manifests: its name, its kind of kustomization, the templates it holds, then options for helm.
folder() {
    local name=$1 kind=$2 templates=$3
    shift 3
    local to=$rendered/$name files=()
    mkdir -p "$to"
    for template in $templates; do
        files+=("$template")
        # What only helm would say of itself is left out: who applies this is no helm.
        "$helm" template faultscope helm/faultscope --namespace faultscope --kube-version 1.31.0 --show-only "templates/$template" "$@" |
            sed -e '/^# Source: /d' -e '/^ *helm\.sh\/chart: /d' -e '/^ *app\.kubernetes\.io\/managed-by: Helm$/d' -e '1{/^---$/d}' >"$to/$template"
    done
    {
        echo "# Rendered from deploy/helm/faultscope by deploy/render.sh: change the chart, not this."
        [ "$kind" = Kustomization ] && echo "apiVersion: kustomize.config.k8s.io/v1beta1" || echo "apiVersion: kustomize.config.k8s.io/v1alpha1"
        echo "kind: $kind"
        echo "resources:"
        [ "$kind" = Component ] || echo "  - namespace.yaml"
        printf '  - %s\n' "${files[@]}"
    } >"$to/kustomization.yaml"
}

folder base Kustomization "serviceaccount.yaml rbac.yaml configmap.yaml patterns.yaml priorityclass.yaml networkpolicy.yaml daemonset.yaml"
folder components/cluster-events Component "events-rbac.yaml events-deployment.yaml" --set clusterEvents.enabled=true
folder components/monitoring Component "monitoring.yaml" --set podMonitor.enabled=true,prometheusRule.enabled=true,grafanaDashboard.enabled=true

cat >"$rendered/base/namespace.yaml" <<'EOF'
apiVersion: v1
kind: Namespace
metadata:
  name: faultscope
  labels:
    # Any host path needs this, read-only ones too; the pods themselves are held to less.
    pod-security.kubernetes.io/enforce: privileged
EOF

if [ "${1:-}" = --check ]; then
    diff -r kustomize "$rendered" || { echo "deploy/kustomize is not as the chart renders it: run deploy/render.sh" >&2; exit 1; }
else
    rm -rf kustomize
    cp -r "$rendered" kustomize
    chmod -R u=rwX,go=rX kustomize
fi
