//! What Kubernetes' API says of workloads, in faultscope's own words.
//!
//! The only room that knows Kubernetes' types: the way to a cluster ([`client`]), the rights that are used there ([`access`]), how the talk goes
//! ([`health`]), what it knows of pods ([`metadata`]), what it says
//! ([`statement`]), as a source ([`source`]) or when somebody asks ([`diagnose`]), and logs where files can't be read ([`logs`]). Must not know how events are exported or files read.

pub mod access;
pub mod client;
#[cfg(test)]
#[path = "../../tests/cluster/mod.rs"]
pub(crate) mod cluster;
pub mod diagnose;
mod follow;
pub mod health;
pub mod logs;
pub mod metadata;
pub mod source;
pub mod statement;
