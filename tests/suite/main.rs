//! All integration tests in one binary: one link step.

mod authoring;
mod check;
#[path = "../cluster/mod.rs"]
mod cluster;
mod community;
mod deploy;
mod diagnose;
mod docs;
mod equivalence;
mod healthy;
mod incidents;
mod kubernetes;
mod naive;
mod otlp_receiver;
mod packs;
mod run;
mod run_live;
mod run_otlp;
mod scan;
mod site;
mod support;
mod trained;
mod unclassified;
mod walls;
