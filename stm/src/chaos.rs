//! Bad luck on purpose, drawn from one seed: `--cfg chaos`, see `ci/chaos.sh`.
//!
//! Whatever may happen by chance and seldom does, happens all the time: validation fails, locks are
//! held by somebody, threads lose the processor where the order of steps counts, snapshots end
//! late. Nothing happens that could not happen without it. In other builds there is no trace of it.
//!
//! `CHAOS_SEED` is the seed; without one threads only falter (`ci/stress.sh`). Each thread draws
//! from a sequence of its own, made from the seed and the thread's name, which for a test is the
//! test's; threads without one are numbered as they come. So a seed brings the same bad luck again,
//! but not the same turns of the threads.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};

/// The number in an environment variable.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seed() -> Option<u64> {
    static SEED: OnceLock<Option<u64>> = OnceLock::new();
    *SEED.get_or_init(|| number("CHAOS_SEED"))
}

/// The start of this thread's sequence.
fn start() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(0);
    let mut hasher = DefaultHasher::new();
    seed().hash(&mut hasher);
    match thread::current().name() {
        Some(name) => name.hash(&mut hasher),
        None => NUMBERS.fetch_add(1, Ordering::Relaxed).hash(&mut hasher),
    }
    hasher.finish()
}

/// The next number of this thread's sequence. At the end of a thread there is none.
fn draw() -> Option<u64> {
    thread_local!(static STATE: Cell<u64> = Cell::new(start()));
    let next = |state: &Cell<u64>| {
        state.set(state.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        // The finalizer of SplitMix64.
        let mixed = (state.get() ^ state.get() >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    };
    STATE.try_with(next).ok()
}

/// Whether bad luck strikes, once in so many times.
#[must_use]
pub fn strikes(one_in: u64) -> bool {
    seed().is_some() && draw().is_some_and(|drawn| drawn % one_in == 0)
}

/// Gives the processor away now and then: the other threads get time to do their worst.
pub fn falter() {
    let Some(drawn) = draw() else { return };
    match drawn >> 54 {
        0..8 => thread::yield_now(),
        8 => thread::sleep(Duration::from_micros(drawn & 63)),
        9..128 => (0..drawn & 511).for_each(|_| std::hint::spin_loop()),
        _ => {}
    }
}

/// Takes a long time now and then.
pub fn linger() {
    if strikes(2048) {
        thread::sleep(Duration::from_micros(draw().unwrap_or(0) & 1023));
    }
}

/// Whether transformers are to fail, too: only suites that expect it ask for that, by
/// `CHAOS_TRANSFORMERS=1`.
#[must_use]
pub fn spoils_transformers() -> bool {
    static SPOILS: OnceLock<bool> = OnceLock::new();
    *SPOILS.get_or_init(|| number("CHAOS_TRANSFORMERS") == Some(1))
}
