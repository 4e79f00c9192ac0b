//! faultscope recognises known failures in container logs and emits each as a classified OpenTelemetry event.
//!
//! The rooms, in the order in which a byte passes through them (ARCHITECTURE.md has the map and the walls):
//!
//! 1. [`pattern`]: YAML packs to a typed, validated model.
//! 2. [`engine`]: patterns compiled to anchors and confirmations; scans blocks.
//! 3. [`frame`]: one log line's envelope (CRI, docker json-file, plain).
//! 4. [`record`]: log headers, multi-line records, exceptions.
//! 5. [`classify`]: a source's blocks in, classified events out; joins the four above.
//! 6. [`correlate`]: repeats and root causes among events.
//! 7. [`event`]: the classified event and its attribute names.
//! 8. [`export`]: events to a terminal, JSON lines or OTLP.
//! 9. [`tail`]: log files on a node: discovery, identity, rotation, reading, checkpoints.
//! 10. [`kube`]: what Kubernetes' API says of workloads.
//! 11. [`agent`]: `run`: the rooms wired together, with configuration and drain.
//! 12. [`cli`]: one file per verb.
#![deny(unsafe_code)]
#![warn(missing_docs, rust_2018_idioms)]

pub mod agent;
pub mod classify;
pub mod cli;
pub mod correlate;
pub mod engine;
pub mod event;
pub mod export;
pub mod frame;
pub mod kube;
pub mod pattern;
pub mod record;
pub mod redact;
pub mod tail;
pub mod yaml;
