//! Names of attributes that the cluster has a say in: `k8s.pod.label.<key>`.
//!
//! Attributes' names live as long as the process. Keys of labels come from the templates of workloads, so there are few; how many are kept is
//! bounded all the same.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// So many different names.
const LIMIT: usize = 1000;

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// `prefix` and `key` as one name. None once there are too many.
pub(super) fn name(prefix: &str, key: &str) -> Option<&'static str> {
    name_of(&mut NAMES.lock().unwrap_or_else(PoisonError::into_inner), prefix, key)
}

fn name_of(names: &mut BTreeSet<&'static str>, prefix: &str, key: &str) -> Option<&'static str> {
    let name = format!("{prefix}{key}");
    if let Some(known) = names.get(name.as_str()) {
        return Some(known);
    }
    if names.len() >= LIMIT {
        return None;
    }
    let kept: &'static str = Box::leak(name.into_boxed_str());
    names.insert(kept);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_kept_once_and_not_too_many_are() {
        let mut names = BTreeSet::new();
        let mut name = |key: &str| name_of(&mut names, "k8s.pod.label.", key);
        let first = name("app").unwrap();
        assert!(std::ptr::eq(first, name("app").unwrap()));
        let more = (0..2 * LIMIT).filter(|number| name(&number.to_string()).is_some()).count();
        assert_eq!(more, LIMIT - 1);
        assert_eq!(name("app"), Some("k8s.pod.label.app"), "what is kept stays");
    }
}
