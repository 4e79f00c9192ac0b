//! What Kubernetes' API says of workloads, in faultscope's own words.
//!
//! The only room that knows Kubernetes' types. Must not know how events are exported or files read.

pub mod statement;
