//! What was said already: an object is told of whole whenever something in it changes, and a list tells everything once more. Pure.
//!
//! Bounded: so many objects, and of each only hashes of what it says now.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use crate::kube::statement::Statement;
use crate::pattern::model::Origin;

/// So many objects that say something. Beyond it all are forgotten, and say it again when they change, under the same uids.
const LIMIT: usize = 100_000;

/// What one object says.
#[derive(Debug, Default)]
struct Words {
    hashes: Vec<u64>,
    /// Of an event: how often it was seen by then.
    count: u64,
}

/// Objects of one kind, by uid.
#[derive(Debug, Default)]
pub(super) struct Told {
    objects: HashMap<String, Words>,
    /// While a list comes in: what it has.
    listed: Option<HashSet<String>>,
}

impl Told {
    /// A list begins.
    pub fn begin_list(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// The list is complete: what wasn't in it is gone.
    pub fn end_list(&mut self) {
        if let Some(listed) = self.listed.take() {
            self.objects.retain(|uid, _| listed.contains(uid));
        }
    }

    /// The object is gone.
    pub fn forget(&mut self, uid: &str) {
        self.objects.remove(uid);
    }

    /// What of an object's statements is new. Events that were seen last before `oldest` are history.
    pub fn news(&mut self, uid: &str, statements: Vec<Statement>, oldest: Timestamp) -> Vec<Statement> {
        if let Some(listed) = &mut self.listed {
            listed.insert(uid.to_owned());
        }
        let before = self.objects.remove(uid).unwrap_or_default();
        let mut now = Words::default();
        let mut news = Vec::new();
        for mut statement in statements {
            let hash = hash(&statement);
            let is_new = !before.hashes.contains(&hash) && !now.hashes.contains(&hash);
            now.hashes.push(hash);
            if statement.origin == Origin::Event {
                now.count = statement.count;
                // How often it was seen since it was last told of.
                statement.count = statement.count.saturating_sub(before.count).max(1);
                if statement.time.is_some_and(|time| time < oldest) {
                    continue;
                }
            }
            if is_new {
                news.push(statement);
            }
        }
        if !now.hashes.is_empty() {
            if self.objects.len() >= LIMIT {
                self.objects.clear();
            }
            self.objects.insert(uid.to_owned(), now);
        }
        news
    }
}

/// What makes a statement another one. The end of a container's run is told as its state, and then as its last state; the message of a status
/// counts the time until the next attempt.
fn hash(statement: &Statement) -> u64 {
    let time = statement.time.map(|time| time.as_nanosecond().to_le_bytes());
    let place = if time.is_some() { "" } else { &statement.identity };
    let message = if statement.origin == Origin::Status { "" } else { &statement.message };
    let parts = [
        statement.container.as_deref().unwrap_or_default().as_bytes(),
        statement.state.trim_start_matches("Last ").as_bytes(),
        statement.reason.as_bytes(),
        message.as_bytes(),
        place.as_bytes(),
        &time.unwrap_or_default(),
        &statement.count.to_le_bytes(),
    ];
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.digest()
}
