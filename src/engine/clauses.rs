//! What must stand beside anchors: many sets of strings, of which each is met by one of its strings.
//!
//! They are asked for at nearly every anchor, and each of them seldom, so they lie one behind the other: what one question touches is a few lines of memory,
//! which a string by itself, in a list of a list, would each have.

use super::required::Clause;
use super::strings::Strings;

/// Clauses, in groups.
#[derive(Default)]
pub struct Clauses {
    strings: Strings,
    /// Where each clause ends among the strings; it begins where the one before it ends.
    ends: Vec<u32>,
}

/// The clauses of which each must be met beside some anchors.
#[derive(Clone, Copy)]
pub struct Group {
    first: u32,
    /// Those before here, in the line that the anchor stands in.
    in_line: u32,
    end: u32,
}

impl Clauses {
    /// Adds a group, of which so many, which come first, are met in the line that the anchor stands in.
    pub fn add(&mut self, clauses: &[Clause], in_line: usize) -> Group {
        let first = self.ends.len() as u32;
        for clause in clauses {
            clause.iter().for_each(|string| self.strings.push(string));
            self.ends.push(self.strings.len() as u32);
        }
        Group { first, in_line: first + in_line as u32, end: self.ends.len() as u32 }
    }

    /// Is each clause of the group met in a text?
    pub fn are_met(&self, group: Group, text: &[u8]) -> bool {
        (group.first..group.end).all(|clause| self.is_met(clause, text))
    }

    /// Is each met that must be in the anchor's own line?
    pub fn are_met_in_line(&self, group: Group, line: &[u8]) -> bool {
        (group.first..group.in_line).all(|clause| self.is_met(clause, line))
    }

    fn is_met(&self, clause: u32, text: &[u8]) -> bool {
        let clause = clause as usize;
        let first = clause.checked_sub(1).map_or(0, |before| self.ends[before]);
        (first..self.ends[clause]).any(|string| self.strings.first(string as usize, text).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_clause_is_met_by_one_of_its_strings() {
        let clause = |strings: &[&str]| strings.iter().map(|string| string.as_bytes().to_vec()).collect::<Clause>();
        let mut clauses = Clauses::default();
        let one = clauses.add(&[clause(&["pear", "plum"]), clause(&["ripe"])], 1);
        let none = clauses.add(&[], 0);
        let other = clauses.add(&[clause(&["fig"])], 0);
        let table = [
            ("a ripe plum", [true, true, true, true, false, true]),
            ("a pear", [false, true, true, true, false, true]),
            ("ripe figs", [false, false, true, true, true, true]),
            ("", [false, false, true, true, false, true]),
        ];
        for (text, want) in table {
            let met = [one, none, other].map(|group| {
                [clauses.are_met(group, text.as_bytes()), clauses.are_met_in_line(group, text.as_bytes())]
            });
            assert_eq!(met.as_flattened(), want, "{text}");
        }
    }
}
