//! The controllers that make one object into others: what keeps them from it often stands in their logs alone.

use super::walk::Found;

/// A controller, where it usually runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Controller {
    pub namespace: &'static str,
    /// Selects its pods.
    pub selector: &'static str,
    /// It works on objects of these API groups.
    groups: &'static [&'static str],
}

const CONTROLLERS: &[Controller] = &[
    Controller {
        namespace: "knative-serving",
        selector: "app in (controller, networking-istio, net-istio-controller, net-kourier-controller, \
                   net-contour-controller, net-gateway-api-controller)",
        groups: &["serving.knative.dev", "networking.internal.knative.dev"],
    },
    Controller {
        namespace: "kserve",
        selector: "control-plane=kserve-controller-manager",
        groups: &["serving.kserve.io"],
    },
    Controller {
        namespace: "seldon-system",
        selector: "control-plane=seldon-controller-manager",
        groups: &["machinelearning.seldon.io"],
    },
    Controller { namespace: "argo", selector: "app=workflow-controller", groups: &["argoproj.io"] },
];

/// Those that work on what was found.
pub(super) fn of(found: &[Found]) -> impl Iterator<Item = &'static Controller> {
    CONTROLLERS.iter().filter(|controller| found.iter().any(|one| controller.groups.contains(&one.kind.group)))
}
