//! jq programs over one entry.

use jaq_core::data::JustLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, unwrap_valr};
use jaq_json::Val;

/// Outputs that are looked at; a program that gives more has said enough.
const MAX_OUTPUTS: usize = 1000;

/// A program, compiled.
pub(super) struct Program(Filter<JustLut<Val>>);

/// An entry that is JSON.
pub(super) fn json(entry: &[u8]) -> Option<Val> {
    let entry = entry.trim_ascii();
    // What isn't an object or a list has nothing that a rule asks for.
    matches!(entry.first(), Some(b'{' | b'[')).then(|| jaq_json::read::parse_single(entry).ok()).flatten()
}

impl Program {
    pub(super) fn compile(text: &str) -> Result<Program, String> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code: text, path: () })
            .map_err(|_| format!("the jq program can't be read: {text}"))?;
        let filter = Compiler::default().with_funs(functions).compile(modules);
        filter.map(Program).map_err(|_| format!("the jq program names something that jq doesn't have: {text}"))
    }

    /// Whether an output is true, or a value other than false and null. An error is none.
    pub(super) fn holds(&self, json: &Val) -> bool {
        let context = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        let outputs = self.0.id.run((context, json.clone())).map(unwrap_valr).take(MAX_OUTPUTS);
        outputs.map_while(Result::ok).any(|value| !matches!(value, Val::Null | Val::Bool(false)))
    }
}
