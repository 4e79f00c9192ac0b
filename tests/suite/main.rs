//! All integration tests in one binary: one link step.

mod check;
mod equivalence;
mod naive;
mod otlp_receiver;
mod packs;
mod run;
mod run_otlp;
mod scan;
mod site;
mod support;
mod walls;
