//! Windows chosen with much time and knowledge of healthy text: what `patterns train` keeps for every later start.

use std::collections::{BTreeMap, BTreeSet};

use super::WINDOW;
use super::filter::Filter;
use super::place::{Window, Windows};
use super::placer::Placer;
use crate::engine::healthy::Healthy;

/// How often everything is thought over again.
const ROUNDS: usize = 3;

/// The windows for `anchors` by which little of the healthy text passes the filter.
///
/// First each anchor gets the best window at the time, those with least choice first. Then, window by window, its anchors are moved to others
/// if that is cheaper in all, or else it is moved to a better bucket.
pub fn windows_of(anchors: &[Vec<u8>], healthy: &Healthy, filter: Filter) -> Windows {
    let mut order: Vec<&[u8]> = anchors.iter().map(Vec::as_slice).collect();
    order.sort_by_key(|anchor| anchor.len());
    let mut placed = Placed { placer: Placer::new(healthy, filter, 0..filter.trained()), anchors: BTreeMap::new() };
    for anchor in order {
        placed.place(anchor, None);
    }
    for _ in 0..ROUNDS {
        let windows: Vec<[u8; WINDOW]> = placed.anchors.keys().copied().collect();
        for window in windows {
            placed.rethink(window);
        }
    }
    placed.windows(anchors)
}

struct Placed<'h, 'a> {
    placer: Placer<'h>,
    /// By window: the anchors that it stands for, and where in each.
    anchors: BTreeMap<[u8; WINDOW], Vec<(&'a [u8], Window)>>,
}

impl<'a> Placed<'_, 'a> {
    /// Gives an anchor its best window; `without` one that it must not have, if there is another.
    fn place(&mut self, anchor: &'a [u8], without: Option<[u8; WINDOW]>) {
        let best = self.placer.best(anchor, without).unwrap_or_else(|| {
            let only = Window::of(anchor, 0, 0);
            self.placer.bucket_for(anchor, &only)
        });
        self.put(anchor, best);
    }

    fn put(&mut self, anchor: &'a [u8], window: Window) {
        self.placer.add(anchor, &window);
        self.anchors.entry(window.bytes).or_default().push((anchor, window));
    }

    fn take(&mut self, anchor: &'a [u8]) {
        for (_, anchors) in self.anchors.iter_mut() {
            if let Some(at) = anchors.iter().position(|(known, _)| *known == anchor) {
                let (_, window) = anchors.swap_remove(at);
                self.placer.remove(anchor, &window);
            }
        }
        self.anchors.retain(|_, anchors| !anchors.is_empty());
    }

    /// Moves the anchors of a window elsewhere if that makes everything cheaper, or else the window to a better bucket.
    fn rethink(&mut self, window: [u8; WINDOW]) {
        let Some(own) = self.anchors.remove(&window) else { return };
        let before = self.placer.cost();
        own.iter().for_each(|(anchor, window)| self.placer.remove(anchor, window));
        for (anchor, _) in &own {
            self.place(anchor, Some(window));
        }
        if self.placer.cost() < before {
            return;
        }
        own.iter().for_each(|(anchor, _)| self.take(anchor));
        let moved = self.placer.bucket_for(own[0].0, &own[0].1);
        for (anchor, window) in own {
            self.put(anchor, Window { bucket: moved.bucket, ..window });
        }
    }

    fn windows(&self, anchors: &[Vec<u8>]) -> Windows {
        let filter = self.placer.filter;
        let all = Windows::new(
            filter,
            self.anchors
                .values()
                .filter_map(|of| of.first().map(|(_, window)| (window.name(), window.bucket)))
                .collect(),
        );
        // A start takes the window that comes first in an anchor; others in it are not needed for its sake.
        let used: BTreeSet<[u8; WINDOW]> =
            anchors.iter().filter_map(|anchor| all.first_in(anchor)).map(|window| window.name()).collect();
        Windows::new(filter, all.buckets.into_iter().filter(|(gram, _)| used.contains(gram)).collect())
    }
}
