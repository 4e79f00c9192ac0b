//! The pods of the node, and for a while those that were there. Bounded.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::pod::Known;
use crate::event::Resource;

/// So many pods, those that are remembered among them. A node has room for some hundreds.
pub(super) const LIMIT: usize = 4096;

struct Entry {
    known: Known,
    /// Since when it is deleted.
    gone: Option<Instant>,
}

/// Pods by uid.
#[derive(Default)]
pub(super) struct Store {
    pods: HashMap<String, Entry>,
    /// Uids by what else a log may call the pod: the hash of a static pod, `namespace/name`.
    other_names: HashMap<String, String>,
    /// Pods for which there was no room.
    pub refused: u64,
}

fn full_name(known: &Known) -> String {
    format!("{}/{}", known.namespace, known.name)
}

impl Store {
    /// Takes a pod in, or what is new of it.
    pub fn put(&mut self, known: Known) {
        if !self.pods.contains_key(&known.uid) && !self.make_room() {
            self.refused += 1;
            return;
        }
        for name in known.hashes.iter().cloned().chain([full_name(&known)]) {
            self.other_names.insert(name, known.uid.clone());
        }
        self.pods.insert(known.uid.clone(), Entry { known, gone: None });
    }

    /// Is there room for one more, if need be by forgetting the pod that was deleted first?
    fn make_room(&mut self) -> bool {
        if self.pods.len() < LIMIT {
            return true;
        }
        let gone = self.pods.iter().filter_map(|(uid, entry)| Some((entry.gone?, uid.clone())));
        gone.min().map(|(_, uid)| self.forget(&uid)).is_some()
    }

    /// The pod is deleted.
    pub fn delete(&mut self, uid: &str, now: Instant) {
        if let Some(entry) = self.pods.get_mut(uid) {
            entry.gone.get_or_insert(now);
        }
    }

    /// Pods that aren't among these are deleted.
    pub fn keep(&mut self, uids: &HashSet<String>, now: Instant) {
        for (_, entry) in self.pods.iter_mut().filter(|(uid, _)| !uids.contains(*uid)) {
            entry.gone.get_or_insert(now);
        }
    }

    /// Forgets what was deleted so long ago.
    pub fn expire(&mut self, remember: Duration, now: Instant) {
        let over = |entry: &Entry| entry.gone.is_some_and(|gone| now.saturating_duration_since(gone) > remember);
        let over: Vec<String> = self.pods.iter().filter(|(_, e)| over(e)).map(|(uid, _)| uid.clone()).collect();
        over.iter().for_each(|uid| self.forget(uid));
    }

    fn forget(&mut self, uid: &str) {
        let Some(entry) = self.pods.remove(uid) else { return };
        for name in entry.known.hashes.iter().cloned().chain([full_name(&entry.known)]) {
            // A pod of a stateful set has its successor's name.
            if self.other_names.get(&name).is_some_and(|of| of == uid) {
                self.other_names.remove(&name);
            }
        }
    }

    /// Pods that are there, and those that are remembered.
    pub fn len(&self) -> usize {
        self.pods.len()
    }

    /// Changes what is known of a pod.
    pub fn change(&mut self, uid: &str, change: impl FnOnce(&mut Known)) {
        if let Some(entry) = self.pods.get_mut(uid) {
            change(&mut entry.known);
        }
    }

    /// What is known of the pod that a resource speaks of.
    pub fn find(&self, resource: &Resource) -> Option<&Known> {
        let entry = match resource.text("k8s.pod.uid") {
            Some(uid) => self.pods.get(uid).or_else(|| self.pods.get(self.other_names.get(uid)?))?,
            None => {
                let (namespace, name) = (resource.text("k8s.namespace.name")?, resource.text("k8s.pod.name")?);
                self.pods.get(self.other_names.get(&format!("{namespace}/{name}"))?)?
            }
        };
        Some(&entry.known)
    }
}
