//! Memory after a promotion is that of a heap born in the new version, whether objects keep their
//! size, grow or shrink. Counted where it is allocated.

#[allow(unsafe_code, reason = "an allocator that counts")]
mod raw;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use raw::in_use;
use upgradable::{Background, Heap, Pace, Ref, Upgradable, Upgrade, UpgradeFrom};

const OBJECTS: u64 = 100_000;

/// What does not grow with the heap: free memory that contexts keep for the next transactions.
const SLACK: usize = 128 * 1024;

mod v1 {
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "memory.Account")]
    pub(crate) struct Account {
        pub(crate) id: u64,
        pub(crate) cents: u64,
    }
}

/// As large as it was.
#[derive(Upgradable, Clone)]
#[upgrade(name = "memory.Account", version = 2, from = v1::Account)]
struct Same {
    id: u64,
    #[upgrade(from = "cents")]
    mills: u64,
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "memory.Account", version = 2, from = v1::Account)]
struct Larger {
    id: u64,
    cents: u64,
    #[upgrade(default)]
    limits: [u64; 5],
}

/// Of the old one the number only.
#[derive(Upgradable, Clone)]
#[upgrade(name = "memory.Account", version = 2, from = v1::Account, removed(cents))]
struct Smaller {
    #[upgrade(from = "id", with = |id: u64| id as u8, back = |id: &u8| u64::from(*id))]
    id: u8,
}

/// One test at a time: there is one count.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fill<T: Upgradable>(heap: &Heap, value: impl Fn(u64) -> T) -> Vec<Ref<T>> {
    let mut refs = Vec::with_capacity(OBJECTS as usize);
    for from in (0..OBJECTS).step_by(1_000) {
        let some: Vec<_> = heap
            .atomically(|tx| (from..from + 1_000).map(|n| Ok(tx.create(value(n))?)).collect())
            .unwrap();
        refs.extend(some);
    }
    refs
}

/// What is in use when the heaps of earlier tests have gone, which their background threads may hold
/// for a moment.
fn settled() -> usize {
    static FIRST: OnceLock<usize> = OnceLock::new();
    let first = *FIRST.get_or_init(in_use);
    while in_use() > first + SLACK / 2 {
        thread::sleep(Duration::from_millis(1));
    }
    in_use()
}

fn taken<T: Upgradable>(value: impl Fn(u64) -> T) -> usize {
    let before = settled();
    let heap = Heap::new();
    let refs = fill(&heap, value);
    in_use() - before - refs.capacity() * size_of::<Ref<T>>()
}

fn old(id: u64) -> v1::Account {
    v1::Account { id, cents: 3 * id }
}

/// A heap that has been upgraded and promoted, with `background` or without; what it takes is
/// measured when `tidied` says so.
fn upgraded<T>(
    background: Background,
    tidied: impl FnOnce(&Heap, &dyn Fn() -> usize),
    expect: impl Fn(&T, u64),
) where
    T: Upgradable + UpgradeFrom<v1::Account>,
{
    let before = settled();
    let heap = Heap::new();
    let refs = fill(&heap, old);
    let running =
        heap.upgrade(Upgrade::to("2").migrate::<v1::Account, T>().background(background)).unwrap();
    running.wait().unwrap();
    running.promote().unwrap();
    drop(running);
    let room = refs.capacity() * size_of::<Ref<T>>();
    tidied(&heap, &|| in_use() - before - room);
    for (object, n) in refs.iter().zip(0..) {
        heap.snapshot(|s| expect(s.read(object.cast::<T>()).unwrap(), n));
    }
}

/// Soon: the background tidies, too, and what one of the two has in hand the other can't free.
#[track_caller]
fn expect_as_born(now: &dyn Fn() -> usize, born: usize, compact: impl Fn()) {
    let (most, begun) = (born + born / 50 + SLACK, Instant::now());
    while now() > most && begun.elapsed() < Duration::from_secs(60) {
        compact();
        thread::sleep(Duration::from_millis(2));
    }
    let now = now();
    assert!(now <= most, "{now} bytes, and {born} born in the new version");
}

#[test]
fn objects_that_keep_their_size() {
    let _alone = alone();
    let born = taken(|id| Same { id, mills: 3 * id });
    let compact = |heap: &Heap, now: &dyn Fn() -> usize| {
        expect_as_born(now, born, || {
            heap.compact();
        });
    };
    upgraded(Background::Off, compact, |it: &Same, n| assert_eq!((it.id, it.mills), (n, 3 * n)));
}

fn larger(id: u64) -> Larger {
    Larger { id, cents: 3 * id, limits: [0; 5] }
}

fn expect_larger(it: &Larger, n: u64) {
    assert_eq!((it.id, it.cents, it.limits), (n, 3 * n, [0; 5]));
}

#[test]
fn objects_that_grow() {
    let _alone = alone();
    let born = taken(larger);
    let compact = |heap: &Heap, now: &dyn Fn() -> usize| {
        assert!(now() > born + born / 2, "there is something to compact");
        expect_as_born(now, born, || {
            heap.compact();
        });
    };
    upgraded(Background::Off, compact, expect_larger);
}

#[test]
fn the_background_compacts_after_a_promotion() {
    let _alone = alone();
    let born = taken(larger);
    let wait = |_: &Heap, now: &dyn Fn() -> usize| expect_as_born(now, born, || ());
    upgraded(Background::On(Pace::Full), wait, expect_larger);
}

#[test]
fn a_transaction_in_the_way_delays_it_only() {
    let _alone = alone();
    let born = taken(larger);
    let compact = |heap: &Heap, now: &dyn Fn() -> usize| {
        // What keeps the old versions stays where it is, and needs no larger place.
        while heap.stats().waiting > 0 {
            heap.reclaim();
        }
        heap.snapshot(|_| assert!(!heap.compact(), "somebody is in the way"));
        expect_as_born(now, born, || {
            heap.compact();
        });
    };
    upgraded(Background::Off, compact, expect_larger);
}

#[test]
fn objects_that_shrink() {
    let _alone = alone();
    let born = taken(|id| Smaller { id: id as u8 });
    let compact = |heap: &Heap, now: &dyn Fn() -> usize| {
        expect_as_born(now, born, || {
            heap.compact();
        });
    };
    upgraded(Background::Off, compact, |it: &Smaller, n| assert_eq!(it.id, n as u8));
}

/// Objects have larger places as soon as they are all converted. Who takes the upgrade back has
/// small ones again.
#[test]
fn a_roll_back_leaves_the_memory_of_the_old_version() {
    let _alone = alone();
    let born = taken(old);
    let before = settled();
    let heap = Heap::new();
    let refs = fill(&heap, old);
    let plan = Upgrade::to("2").migrate::<v1::Account, Larger>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    running.wait().unwrap();
    heap.compact();
    for (object, n) in refs.iter().zip(0..) {
        heap.snapshot(|s| expect_larger(s.read(object.cast::<Larger>()).unwrap(), n));
    }
    let back = running.roll_back().unwrap();
    back.set_pace(Pace::Full);
    back.wait().unwrap();
    drop((running, back));
    let room = refs.capacity() * size_of::<Ref<v1::Account>>();
    expect_as_born(&|| in_use() - before - room, born, || {
        heap.compact();
    });
    for (object, n) in refs.iter().zip(0..) {
        heap.snapshot(|s| assert_eq!(s.read(*object).unwrap().cents, 3 * n));
    }
}
