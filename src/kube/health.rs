//! How the talk with the API goes: which watches stand, since when not, and what went wrong how often.
//!
//! Says in the log when one begins to fail and when it is back, and nothing in between. Knows nothing of what is watched.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::client::Error;

/// One thing that is done over and over: a watch, a lease, the logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// It works, as of the last attempt.
    pub up: bool,
    /// Why it doesn't.
    pub trouble: Option<String>,
    /// How often it began anew: lists, connections.
    pub begun: u64,
    /// What went wrong, by [`Error::reason`].
    pub errors: BTreeMap<&'static str, u64>,
}

/// All activities, by name.
#[derive(Debug, Default)]
pub struct Health(Mutex<BTreeMap<String, Activity>>);

impl Health {
    /// What there is, and how it goes.
    pub fn activities(&self) -> BTreeMap<String, Activity> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It has begun, or begun anew.
    pub fn begun(&self, name: &str) {
        self.with(name, |activity| activity.begun += 1);
    }

    /// It works.
    pub fn up(&self, name: &str) {
        let trouble = self.with(name, |activity| {
            activity.up = true;
            activity.trouble.take()
        });
        if trouble.is_some() {
            tracing::info!(what = name, "Kubernetes' API answers again");
        }
    }

    /// Something went wrong that the next attempt mends, as a version that is forgotten.
    pub fn hitch(&self, name: &str, error: &Error) {
        self.with(name, |activity| *activity.errors.entry(error.reason()).or_default() += 1);
    }

    /// It doesn't work. It is tried again; until then, nothing waits for it.
    pub fn failed(&self, name: &str, error: &Error) {
        let told = error.to_string();
        let news = self.with(name, |activity| {
            activity.up = false;
            *activity.errors.entry(error.reason()).or_default() += 1;
            activity.trouble.replace(told.clone()).is_none_or(|before| before != told)
        });
        if news {
            tracing::warn!(what = name, "Kubernetes' API can't be used for this, and is tried again: {told}");
        }
    }

    /// It is over.
    pub fn ended(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn with<T>(&self, name: &str, change: impl FnOnce(&mut Activity) -> T) -> T {
        let mut activities = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(activities.entry(name.to_owned()).or_default())
    }
}
