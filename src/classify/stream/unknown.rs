//! A stream's side of what no pattern knows: when such a record can be told from the headline of a trace, and what is said of it.

use super::{Stream, Verdict, attributes};
use crate::classify::Classifier;
use crate::classify::assemble::Assembled;
use crate::classify::lines::Lane;
use crate::classify::unknown::{self, Next};
use crate::record::Record;

impl Stream {
    /// What is said of a record that no pattern knows, if anything.
    pub(super) fn unknown(
        &self,
        window: &[u8],
        lane: Lane,
        assembled: &Assembled<'_>,
        record: &Record<'_>,
    ) -> Option<Verdict> {
        let Classifier { set, limits, .. } = &*self.classifier;
        let severity = unknown::severity(record).filter(|_| set.notices_unknown)?;
        // Whoever closed the record knows what follows, or that nothing will.
        let headline = || unknown::next(self.lines(window), lane, assembled, true, limits) == Next::Trace;
        if (assembled.lines.len() == 1 && headline()) || unknown::is_of_a_rule(set, record) {
            return None;
        }
        let (pattern, own) = unknown::pattern_and_attributes(severity, record);
        let identifying = unknown::identifying_line(assembled, record);
        Some(Verdict { pattern, also: Vec::new(), identifying, attributes: attributes(record, own) })
    }

    /// Is this a line that no pattern may know, and that is only the headline of a trace if one comes next?
    pub(super) fn may_head_a_trace(&self, window: &[u8], lane: Lane, assembled: &Assembled<'_>) -> bool {
        let Classifier { set, limits, .. } = &*self.classifier;
        let [line] = assembled.lines.as_slice() else { return false };
        set.notices_unknown
            && unknown::next(self.lines(window), lane, assembled, false, limits) == Next::Unseen
            && unknown::is_grave(set, &line.content)
    }
}
