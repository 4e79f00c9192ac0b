//! A window together with what stands beside it: eight bytes by which nearly all windows that are part of no anchor are told apart.

use super::WINDOW;
use super::place::gram_at;

/// Where there are four more bytes of an anchor beside its window.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Behind,
    Before,
    /// The anchor is too short for either.
    Nowhere,
}

impl Side {
    pub(super) const ALL: [Side; 3] = [Side::Behind, Side::Before, Side::Nowhere];

    /// The side for an anchor whose window is at `offset`.
    pub(super) fn of(anchor: &[u8], offset: usize) -> Side {
        if anchor.len() >= offset + 2 * WINDOW {
            Side::Behind
        } else if offset >= WINDOW {
            Side::Before
        } else {
            Side::Nowhere
        }
    }

    /// The key of a window and of what stands on this side of its place in a text. Two sides seldom have the same.
    #[inline(always)]
    pub(super) fn key(self, window: u32, text: &[u8], at: usize) -> u64 {
        // All bytes of text are below 128, so the numbers keep the sides apart.
        let beside = match self {
            Side::Behind => gram_at(text, at + WINDOW),
            Side::Before => at.checked_sub(WINDOW).map_or(0, |before| gram_at(text, before)) ^ 1 << 7,
            Side::Nowhere => 1 << 15,
        };
        u64::from(beside) << 32 | u64::from(window)
    }
}

/// A window at `offset` of an anchor, and what is beside it there.
pub(super) fn together(anchor: &[u8], offset: usize) -> &[u8] {
    let end = anchor.len().min(offset + WINDOW);
    match Side::of(anchor, offset) {
        Side::Behind => &anchor[offset..end + WINDOW],
        Side::Before => &anchor[offset - WINDOW..end],
        Side::Nowhere => &anchor[offset..end],
    }
}
