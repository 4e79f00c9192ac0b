//! What Kubernetes' API says of workloads, in faultscope's own words.
//!
//! The only room that knows Kubernetes' types: the way to a cluster ([`client`]), the rights that are used there ([`access`]), how the talk goes
//! ([`health`]), what it knows of pods ([`metadata`]), and what it says ([`statement`]). Must not know how events are exported or files read.

pub mod access;
pub mod client;
#[cfg(test)]
#[path = "../../tests/cluster/mod.rs"]
pub(crate) mod cluster;
mod follow;
pub mod health;
pub mod metadata;
pub mod statement;
