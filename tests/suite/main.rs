//! All integration tests in one binary: one link step.

mod authoring;
mod check;
mod community;
mod docs;
mod equivalence;
mod healthy;
mod incidents;
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
