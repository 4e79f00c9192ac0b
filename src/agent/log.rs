//! faultscope's own log: on standard error, as text or JSON, and never faster than a person can use it.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// So many lines of one place in the code within [`PERIOD`].
const QUOTA: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);

/// Lines held back and not yet spoken of.
static HELD_BACK: AtomicU64 = AtomicU64::new(0);

/// Starts the log. `RUST_LOG` sets the level; without it `info`.
pub fn start(format: LogFormat) {
    let level = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,opentelemetry=warn,kube_client=error,kube_runtime=error"));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let set = tracing_subscriber::registry().with(level).with(lines.with_filter(Quota::default())).try_init();
    // Only a second call in one process can fail, and then there is a log already.
    drop(set);
}

/// Says how many lines were held back since the last time, if any were.
pub(super) fn tell_held_back() {
    let held_back = HELD_BACK.swap(0, Ordering::Relaxed);
    if held_back > 0 {
        tracing::warn!(held_back, "log lines were held back: no place speaks more than {QUOTA} times in {PERIOD:?}");
    }
}

/// Gives each place in the code its share of lines.
#[derive(Default)]
struct Quota {
    spoken: Mutex<HashMap<Identifier, (Instant, u32)>>,
}

impl Quota {
    fn admit(&self, place: Identifier, now: Instant) -> bool {
        let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, lines) = spoken.entry(place).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= PERIOD {
            (*since, *lines) = (now, 0);
        }
        *lines += 1;
        *lines <= QUOTA
    }
}

impl<S: Subscriber> Filter<S> for Quota {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let admitted = self.admit(event.metadata().callsite(), Instant::now());
        HELD_BACK.fetch_add(u64::from(!admitted), Ordering::Relaxed);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use tracing::callsite::Callsite;
    use tracing::subscriber::Interest;

    use super::*;

    struct Place;

    impl Callsite for Place {
        fn set_interest(&self, _: Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("nobody asks for it")
        }
    }

    static HERE: Place = Place;

    #[test]
    fn a_place_has_its_share_again_in_the_next_period() {
        let (quota, start) = (Quota::default(), Instant::now());
        let mut spoken = 0;
        for second in 0..20 {
            for _ in 0..100 {
                spoken += u32::from(quota.admit(Identifier(&HERE), start + Duration::from_secs(second)));
            }
        }
        assert_eq!(spoken, 2 * QUOTA);
    }
}
