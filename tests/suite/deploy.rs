//! What is under `deploy/`: manifests, rights, configurations, queries, and the tables that describe them.
//!
//! The renderings of `tests/e2e/chart.sh` are read here too, where `FAULTSCOPE_E2E_MANIFESTS` says where they are; without it the Kustomize folders
//! and the examples, which are in the repository, are all there is.

mod configurations;
mod documents;
mod manifests;
mod queries;
mod rights;
