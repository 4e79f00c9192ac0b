//! Pattern packs: YAML to a typed, validated set.
//!
//! Holds the model ([`model`]), how it is read and checked, and the built-in packs. Does no IO beyond reading the
//! files and folders it is told to ([`sources`]). Knows nothing of how patterns are matched, except that it asks the
//! engine to compile them: a set that can't be compiled is not a set.

pub mod correlation;
pub mod cre;
pub mod docs;
pub mod lint;
pub mod model;
pub mod scaffold;
mod set;
mod shapes;
pub mod sources;
pub mod unclassified;

pub use set::{Located, PatternSet, Problem, well_formed};

/// A pack that is built into the binary.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its path in the project.
    pub path: &'static str,
    /// As it is written.
    pub text: &'static str,
    /// Its patterns without their examples, as JSON: a list of (line, pattern). Empty if the pack isn't right.
    pub patterns: &'static str,
    /// The examples of each pattern, as JSON, in the same order.
    pub examples: &'static str,
}

/// The packs built into the binary.
pub const BUILTIN: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// The JSON Schema of a pack file, for editors and other tools.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(model::Pack).to_value()
}
