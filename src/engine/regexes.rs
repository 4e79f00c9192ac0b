//! How a pattern's regular expressions are compiled and run, in the dialect in which [`super::expression`] reads them.
//!
//! Bytes, not characters; ASCII classes; `^` and `$` at line ends. Linear time whatever the text (`regex-automata`).
//!
//! In most expressions one of a few literals stands at a fixed place of every match. Where these stand in the text tells where a match can begin, and so an
//! automaton runs forward once from there, in place of forward to the end of a match, back to its beginning and forward again for the groups. What counts is
//! the memory that is touched: an automaton seldom used lies in no near cache, and each byte of text leads it to another place.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, HirKind};

use super::expression;
use super::strings::Needle;

/// The largest program an expression may compile to, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// A shorter literal stands in too many places.
const SHORTEST_LEAD: usize = 3;

/// More literals are sooner looked for by the automaton.
const MOST_LEADS: usize = 8;

/// In a longer text expressions are run as a whole: the engines that begin at a known place take time by the size of the program, too, or go over the
/// rest of the text from each of them.
const LONGEST_TEXT: usize = 8 << 10;

/// So many places are tried one by one. With more of them that would take the square of the text's length.
const TRIES: usize = 16;

/// An expression, compiled.
pub struct Regex {
    expression: String,
    led: Option<Led>,
    /// Without leads, or where these stand too often.
    whole: OnceLock<Option<meta::Regex>>,
    /// The indices of the named groups, in the order they stand.
    named: Vec<usize>,
    /// How many groups there are, with the match itself.
    groups: usize,
}

/// An expression of which each match has one of some literals at a fixed place.
struct Led {
    leads: Vec<Lead>,
    /// So many bytes at the beginning of a match aren't looked at again: the literal's, if it is the only one and comes first.
    skipped: usize,
    /// The expression, without what is skipped.
    rest: meta::Regex,
}

/// A literal at a fixed place.
struct Lead {
    literal: Needle,
    /// So many bytes of a match stand before it.
    before: usize,
}

impl Lead {
    /// Where a match may begin, at `from` or later.
    fn start(&self, text: &[u8], from: usize) -> Option<usize> {
        self.literal.first(text.get(from + self.before..)?).map(|at| from + at)
    }
}

/// What the groups of an expression caught in a text.
pub struct Groups<'r, 't> {
    text: &'t [u8],
    slots: Vec<Option<NonMaxUsize>>,
    named: &'r [usize],
}

impl<'t> Groups<'_, 't> {
    /// The part of the text that matched.
    pub fn whole(&self) -> Option<Range<usize>> {
        self.range(0)
    }

    /// What the named groups caught, in the order they stand.
    pub fn named(&self) -> impl Iterator<Item = Option<&'t [u8]>> {
        self.named.iter().map(|&group| self.text.get(self.range(group)?))
    }

    fn range(&self, group: usize) -> Option<Range<usize>> {
        let at = |slot: usize| self.slots.get(slot).copied().flatten().map(NonMaxUsize::get);
        Some(at(2 * group)?..at(2 * group + 1)?)
    }
}

impl Regex {
    /// Compiles an expression, as much of it as is needed for most texts. The error is the parser's or the compiler's own explanation.
    pub fn new(expression: &str) -> Result<Regex, String> {
        let hir = expression::parse(expression)?;
        let led = Led::of(&hir)?;
        let whole = match led {
            Some(_) => OnceLock::new(),
            None => OnceLock::from(Some(compile(&hir, meta::Config::new())?)),
        };
        let groups = 1 + hir.properties().explicit_captures_len();
        Ok(Regex { expression: expression.to_owned(), led, whole, named: named_groups(&hir), groups })
    }

    /// Can all of an expression be compiled?
    pub fn check(expression: &str) -> Result<(), String> {
        whole(expression).map(|_| ())
    }

    /// Does it match anywhere in a text?
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.any(text, |regex, input, _| regex.is_match(input))
    }

    /// What its groups caught where it matches first.
    pub fn captures<'t>(&self, text: &'t [u8]) -> Option<Groups<'_, 't>> {
        let mut slots = vec![None; 2 * self.groups];
        let found = self.any(text, |regex, input, skipped| {
            let start = input.start() - skipped;
            let found = regex.search_slots(&input, &mut slots).is_some();
            if found && skipped > 0 {
                slots[0] = NonMaxUsize::new(start);
            }
            found
        });
        found.then_some(Groups { text, slots, named: &self.named })
    }

    /// Runs it from each place where a match may begin, the first one first, until `run` has found one. Did it? It is told of how many bytes of the match
    /// stand before where it begins.
    fn any<'t>(&self, text: &'t [u8], mut run: impl FnMut(&meta::Regex, Input<'t>, usize) -> bool) -> bool {
        let mut from = 0;
        if let Some(led) = self.led.as_ref().filter(|_| text.len() <= LONGEST_TEXT) {
            let mut starts = led.starts(text);
            for _ in 0..TRIES {
                let Some(start) = starts.next() else { return false };
                let input = Input::new(text).range(start + led.skipped..).anchored(Anchored::Yes);
                if run(&led.rest, input, led.skipped) {
                    return true;
                }
                from = start + 1;
            }
        }
        let whole = self.whole.get_or_init(|| whole(&self.expression).ok()).as_ref();
        whole.is_some_and(|whole| run(whole, Input::new(text).range(from..), 0))
    }
}

impl Led {
    /// None if what stands at a fixed place of every match isn't one of a few literals.
    fn of(hir: &Hir) -> Result<Option<Led>, String> {
        let mut literals = Vec::new();
        if !leads(parts(hir), 0, &mut literals) || literals.is_empty() || literals.len() > MOST_LEADS {
            return Ok(None);
        }
        // What is known to stand there needs no automaton.
        let (skipped, rest) = match parts(hir) {
            [first, rest @ ..] if matches!(first.kind(), HirKind::Literal(first) if *first.0 == *literals[0].0) => {
                (literals[0].0.len(), Hir::concat(rest.to_vec()))
            }
            _ => (0, hir.clone()),
        };
        // Where it begins is known, so nothing has to lead there, neither forward nor back.
        let rest = compile(&rest, meta::Config::new().auto_prefilter(false).hybrid(false).dfa(false))?;
        let lead = |(literal, before): (&[u8], usize)| Lead { literal: Needle::new(literal), before };
        Ok(Some(Led { leads: literals.into_iter().map(lead).collect(), skipped, rest }))
    }

    /// Where a match may begin, in order.
    fn starts(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let mut next = [None; MOST_LEADS];
        for (next, lead) in next.iter_mut().zip(&self.leads) {
            *next = lead.start(text, 0);
        }
        std::iter::from_fn(move || {
            let start = next.iter().copied().flatten().min()?;
            for (next, lead) in next.iter_mut().zip(&self.leads).filter(|(next, _)| **next == Some(start)) {
                *next = lead.start(text, start + 1);
            }
            Some(start)
        })
    }
}

/// What an expression is made of, one behind the other.
fn parts(hir: &Hir) -> &[Hir] {
    match hir.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(hir),
    }
}

/// Adds literals of which each match of the parts has one, each with the number of bytes before it: so many stand before the parts, and what is within them.
/// False if that can't be said.
fn leads<'h>(parts: &'h [Hir], before: usize, found: &mut Vec<(&'h [u8], usize)>) -> bool {
    let [first, rest @ ..] = parts else { return false };
    let known = found.len();
    // Behind a choice there is one literal more likely than in it.
    let ways = if is_choice(first) { [leads_behind, leads_in] } else { [leads_in, leads_behind] };
    ways.into_iter().any(|way| {
        found.truncate(known);
        way(first, rest, before, found)
    })
}

fn is_choice(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(group) => is_choice(&group.sub),
        kind => matches!(kind, HirKind::Alternation(_)),
    }
}

/// As [`leads`], in the first part.
fn leads_in<'h>(first: &'h Hir, rest: &'h [Hir], before: usize, found: &mut Vec<(&'h [u8], usize)>) -> bool {
    match first.kind() {
        HirKind::Literal(literal) if literal.0.len() >= SHORTEST_LEAD => {
            found.push((&literal.0, before));
            true
        }
        HirKind::Capture(group) => leads(parts(&group.sub), before, found),
        HirKind::Alternation(choices) => choices.iter().all(|choice| leads(parts(choice), before, found)),
        HirKind::Repetition(repetition) => {
            leads(parts(&repetition.sub), before, found) && (repetition.min > 0 || leads(rest, before, found))
        }
        _ => false,
    }
}

/// As [`leads`], behind the first part, if that is always as long.
fn leads_behind<'h>(first: &'h Hir, rest: &'h [Hir], before: usize, found: &mut Vec<(&'h [u8], usize)>) -> bool {
    let (least, most) = (first.properties().minimum_len(), first.properties().maximum_len());
    least.filter(|_| least == most).is_some_and(|length| leads(rest, before + length, found))
}

fn whole(expression: &str) -> Result<meta::Regex, String> {
    compile(&expression::parse(expression)?, meta::Config::new())
}

fn compile(hir: &Hir, config: meta::Config) -> Result<meta::Regex, String> {
    let config = config.utf8_empty(false).nfa_size_limit(Some(SIZE_LIMIT));
    meta::Builder::new().configure(config).build_from_hir(hir).map_err(|error| match error.size_limit() {
        Some(limit) => format!("compiled, it is larger than {limit} bytes: ask for fewer repetitions"),
        None => error.to_string(),
    })
}

/// The indices of the groups that have a name.
fn named_groups(hir: &Hir) -> Vec<usize> {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let own = capture.name.iter().map(|_| capture.index as usize);
            own.chain(named_groups(&capture.sub)).collect()
        }
        HirKind::Repetition(repetition) => named_groups(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().flat_map(named_groups).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::RegexBuilder;

    use super::*;

    /// The match and the named groups, as `regex` by itself tells them.
    fn told(expression: &str, text: &[u8]) -> Option<Vec<Option<Range<usize>>>> {
        let regex = RegexBuilder::new(expression).unicode(false).multi_line(true).build().unwrap();
        let groups = regex.captures(text)?;
        let named = regex.capture_names().flatten().map(|name| groups.name(name).map(|group| group.range()));
        Some(std::iter::once(groups.get(0).map(|whole| whole.range())).chain(named).collect())
    }

    fn told_here(regex: &Regex, text: &[u8]) -> Option<Vec<Option<Range<usize>>>> {
        let groups = regex.captures(text)?;
        Some([0].iter().chain(&regex.named).map(|&group| groups.range(group)).collect())
    }

    /// Is what is found what `regex` finds? How the expression is led: bytes before each literal, and bytes that are skipped.
    fn same(expression: &str, texts: &[&[u8]]) -> Option<(Vec<usize>, usize)> {
        let regex = Regex::new(expression).unwrap();
        for text in texts {
            let want = told(expression, text);
            assert_eq!(told_here(&regex, text), want, "{expression} on {}", text.escape_ascii());
            assert_eq!(regex.is_match(text), want.is_some(), "{expression} on {}", text.escape_ascii());
        }
        regex.led.as_ref().map(|led| (led.leads.iter().map(|lead| lead.before).collect(), led.skipped))
    }

    #[test]
    fn a_literal_leads_wherever_one_stands_at_a_fixed_place() {
        let long = [vec![b'-'; LONGEST_TEXT], b"pump 7 stuck, Pump 8 pump".to_vec()].concat();
        let often = ["pump pump ".repeat(TRIES).into_bytes(), b"pump 7 pump 8 stuck".to_vec()].concat();
        let texts: &[&[u8]] = &[
            b"",
            b"pump",
            b"the pump 7 is stuck",
            b"the pumpump 8 is stuck, pump 9 stuck",
            b"Pump 1\npump 22 stuck\n",
            b"xpump 3 pump 4 stuck",
            b"ump 5 stuck",
            &often,
            &long,
        ];
        /// An expression, the bytes before each literal, and the bytes that are skipped.
        type Row<'r> = (&'r str, Option<(&'r [usize], usize)>);
        let table: &[Row<'_>] = &[
            ("pump (?<detail>\\d+) (?:is )?stuck", Some((&[0], 5))),
            ("pump", Some((&[0], 4))),
            ("[Pp]ump (?<detail>\\d)(?<reason>\\d)?", Some((&[1], 0))),
            ("\\bpump (?<detail>\\d+)", Some((&[0], 0))),
            ("^pump \\d+ (?<reason>\\w+)$", Some((&[0], 0))),
            ("(?<reason>the|xxx) pump", Some((&[3], 0))),
            ("(?<reason>the|pump) (?<detail>\\w+)", Some((&[0, 0], 0))),
            ("pump(?<detail>.*)pump", Some((&[0], 4))),
            ("(?:the )?pump (?<detail>\\d)", Some((&[0, 0], 0))),
            ("(?:the |, )*pump (?<detail>\\d)", None),
            ("(?:the )+pump (?<detail>\\d)", Some((&[0], 0))),
            ("pump|[a-z]stuck", Some((&[0, 1], 0))),
            ("pump|\\w+stuck", None),
            ("\\w+ (?<detail>\\d)", None),
            ("a|stuck", None),
            ("", None),
        ];
        for (expression, led) in table {
            let led = led.map(|(before, skipped)| (before.to_vec(), skipped));
            assert_eq!(same(expression, texts), led, "{expression}");
        }
    }

    #[test]
    fn what_grows_too_large_is_refused() {
        assert!(Regex::check("pump (?:[0-9a-f]{400}){400}").unwrap_err().contains("larger than 1048576 bytes"));
        assert!(Regex::new("(?:[0-9a-f]{400}){400}").is_err() && Regex::new("pump (").is_err());
    }

    proptest! {
        #[test]
        fn any_expression_finds_what_it_finds_by_itself(
            parts in prop::collection::vec(prop::sample::select(vec![
                "aab", "(?<detail>a|ab)", "(?:aab|bba)", "(?:aab)?", "(abb|b)", "(?:bab )+", "a", "[ab]", "b?", "\\b", "^", "$", "(?:aa|bb)", ".*?", "(b*)", "c+", "aaa", "(?:)", "\\B",
            ]), 0..5),
            text in "[abc \n]{0,40}",
        ) {
            let mut expression = parts.concat();
            // A name may stand once.
            while expression.matches("?<detail>").count() > 1 {
                expression = expression.replacen("?<detail>", "", 1);
            }
            same(&expression, &[text.as_bytes()]);
        }
    }
}
