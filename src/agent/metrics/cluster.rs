//! What is asked of Kubernetes, as metrics.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::Shared;
use crate::agent::cluster::Talk;

/// Looks at the talk, if there is one.
fn look(state: &Shared, look: impl FnOnce(&Talk)) {
    let talk = state.with(|state| state.kubernetes.clone());
    if let Some(talk) = talk {
        look(&talk);
    }
}

pub(super) fn observe(meter: &Meter, state: &Shared) {
    let of = state.clone();
    let up = move |to: &dyn AsyncInstrument<u64>| {
        look(&of, |talk| {
            for (name, activity) in talk.health.activities() {
                to.observe(u64::from(activity.up), &[KeyValue::new("what", name)]);
            }
        });
    };
    let gauge = meter.u64_observable_gauge("faultscope.kubernetes.up");
    gauge.with_description("1 while Kubernetes' API answers, by what is asked.").with_callback(up).build();

    let of = state.clone();
    let begun = move |to: &dyn AsyncInstrument<u64>| {
        look(&of, |talk| {
            for (name, activity) in talk.health.activities() {
                to.observe(activity.begun, &[KeyValue::new("what", name)]);
            }
        });
    };
    let counter = meter.u64_observable_counter("faultscope.kubernetes.begun");
    let what = "Lists and streams that were begun, by what is asked: what is more than expected began anew.";
    counter.with_description(what).with_callback(begun).build();

    let of = state.clone();
    let errors = move |to: &dyn AsyncInstrument<u64>| {
        look(&of, |talk| {
            for (name, activity) in talk.health.activities() {
                for (reason, count) in activity.errors {
                    to.observe(count, &[KeyValue::new("what", name.clone()), KeyValue::new("reason", reason)]);
                }
            }
        });
    };
    let counter = meter.u64_observable_counter("faultscope.kubernetes.errors");
    let what = "Times that Kubernetes' API could not be used, by what was asked and by reason.";
    counter.with_description(what).with_callback(errors).build();

    let of = state.clone();
    let pods = move |to: &dyn AsyncInstrument<u64>| {
        look(&of, |talk| talk.pods.iter().for_each(|pods| to.observe(pods.counts().0 as u64, &[])));
    };
    let gauge = meter.u64_observable_gauge("faultscope.kubernetes.pods");
    gauge.with_description("Pods that something is known of.").with_callback(pods).build();

    let of = state.clone();
    let refused = move |to: &dyn AsyncInstrument<u64>| {
        look(&of, |talk| talk.pods.iter().for_each(|pods| to.observe(pods.counts().1, &[])));
    };
    let counter = meter.u64_observable_counter("faultscope.kubernetes.pods.refused");
    counter.with_description("Pods for which there was no room.").with_callback(refused).build();
}
