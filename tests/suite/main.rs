//! All integration tests in one binary: one link step.

mod equivalence;
mod naive;
mod otlp_receiver;
mod packs;
mod scan;
mod support;
mod walls;
