//! Larger slots for objects that have outgrown theirs: nobody notices but the allocator.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use upgradable_stm::{AccessError, Domain, Handle};

#[path = "common/census.rs"]
mod census;
#[path = "common/watchdog.rs"]
mod watchdog;

use census::{Census, Counted};
use watchdog::watched;

/// Slots of eight pages.
const OBJECTS: u32 = 8 * 512;
/// What `rehouse` saves of an object at least: the header of its block.
const SAVED: usize = 32;

/// What a number becomes.
type Large = [u64; 5];

fn large(n: u32) -> Large {
    [u64::from(n); 5]
}

/// Objects that were numbers and have become large, as a layer above makes them.
fn grown(domain: &Domain) -> Vec<Handle> {
    let names: Vec<Handle> =
        (0..OBJECTS).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    for (n, &name) in (0..).zip(&names) {
        grow(domain, name, large(n));
    }
    names
}

fn grow<T: Send + Sync + 'static>(domain: &Domain, name: Handle, value: T) {
    let stamp = domain.snapshot(|s| s.version(name)).unwrap().stamp;
    assert!(domain.install(name, stamp, stamp, value).is_ok());
}

/// The bytes that a block for such a value takes.
fn block_of(size: usize) -> usize {
    32 + size.next_multiple_of(16)
}

/// The bytes that are saved when such a value becomes a large one in a larger slot, instead of in a
/// block.
fn saved_of(size: usize) -> usize {
    block_of(size_of::<Large>()) - (size_of::<Large>() - size.next_multiple_of(8))
}

fn reads<T: PartialEq + Send + Sync + 'static>(domain: &Domain, name: Handle, value: &T) -> bool {
    domain.snapshot(|s| s.get(name) == Ok(value))
}

fn rehouse(domain: &Domain) -> Option<usize> {
    domain.rehouse(0..domain.slots())
}

#[track_caller]
fn expect_all(domain: &Domain, names: &[Handle]) {
    for (n, &name) in (0..).zip(names) {
        assert_eq!(domain.snapshot(|s| s.get::<Large>(name).copied()), Ok(large(n)));
    }
}

#[test]
fn objects_that_have_grown_get_larger_slots() {
    let domain = Domain::new();
    let names = grown(&domain);
    domain.reclaim();
    let held = domain.hold();
    let (saved, at) = (rehouse(&domain).unwrap(), domain.now());
    assert!(saved >= names.len() * SAVED, "{saved} bytes saved");
    assert_eq!(domain.now(), at, "nothing has been written");
    assert!(domain.shrink() >= saved, "the blocks are free");
    expect_all(&domain, &names);
    assert_eq!(held.read(|s| s.get::<Large>(names[7]).copied()), Ok(large(7)));
    assert_eq!(rehouse(&domain), Some(0), "there is nothing left to do");
    // And they can be written as ever.
    for &name in &names {
        domain
            .atomically(|tx| tx.update(name, |it: &mut Large| it[0] += 1).map_err(|_| tx.retry()));
    }
    assert_eq!(held.read(|s| s.get::<Large>(names[7]).copied()), Ok(large(7)));
    assert_eq!(domain.snapshot(|s| s.get::<Large>(names[7]).unwrap()[0]), 8);
}

/// At a new instant, all of them: who holds an earlier one sees what they were.
fn become_now<T: Send + Sync + 'static>(
    domain: &Domain,
    names: &[Handle],
    value: impl Fn(u32) -> T,
) {
    domain.atomically(|tx| Ok(tx.create(())));
    let at = domain.now();
    for (n, &name) in (0..).zip(names) {
        let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
        assert!(domain.install(name, over, at, value(n)).is_ok());
    }
}

fn put<T: Clone + Send + Sync + 'static>(domain: &Domain, name: Handle, value: &T) {
    domain.atomically(|tx| Ok(tx.put(name, value.clone()))).expect("it is there, and of this kind");
}

fn create<T: Clone + Send + Sync + 'static>(
    domain: &Domain,
    value: impl Fn(u32) -> T,
) -> Vec<Handle> {
    (0..OBJECTS).map(|n| domain.atomically(|tx| Ok(tx.create(value(n))))).collect()
}

#[test]
fn objects_move_with_the_versions_that_snapshots_keep() {
    let domain = Domain::new();
    let names = create(&domain, |n| n);
    let first = domain.hold();
    become_now(&domain, &names, |n| large(n + 1));
    let second = domain.hold();
    names.iter().step_by(2).for_each(|&name| put(&domain, name, &large(9)));
    assert!(rehouse(&domain).unwrap() > 0);
    assert_eq!(rehouse(&domain), Some(0), "there is nothing left to do");
    let expect = || {
        for (n, &name) in (0..).zip(&names) {
            assert_eq!(first.read(|s| s.get(name).copied()), Ok(n));
            assert_eq!(second.read(|s| s.get(name).copied()), Ok(large(n + 1)));
            let newest = if n % 2 == 0 { 9 } else { n + 1 };
            assert_eq!(domain.snapshot(|s| s.get(name).copied()), Ok(large(newest)));
        }
    };
    expect();
    // What keeps the versions knows their objects at the new places.
    domain.reclaim();
    expect();
    drop((first, second));
    domain.reclaim();
    assert_eq!(domain.stats().waiting, 0);
    names.iter().for_each(|&name| put(&domain, name, &large(10)));
    assert!(names.iter().all(|&n| domain.snapshot(|s| s.get(n) == Ok(&large(10)))));
}

#[test]
fn a_deleted_object_that_a_snapshot_sees_moves_and_leaves_its_slot_in_the_end() {
    let domain = Domain::new();
    let names = create(&domain, |n| n);
    let held = domain.hold();
    become_now(&domain, &names, large);
    let gone: Vec<_> = names.iter().copied().step_by(8).collect();
    for &name in &gone {
        domain.atomically(|tx| tx.delete(name).map_err(|_| tx.retry()));
    }
    assert!(rehouse(&domain).unwrap() > 0);
    assert!((0_u32..).zip(&names).all(|(n, &name)| held.read(|s| s.get(name) == Ok(&n))));
    assert!(gone.iter().all(|&n| domain.snapshot(|s| s.get::<Large>(n).is_err())));
    drop(held);
    // The versions first, then the slots.
    domain.reclaim();
    domain.reclaim();
    let slots = domain.slots();
    for _ in gone {
        domain.atomically(|tx| Ok(tx.create(large(0))));
    }
    assert_eq!(domain.slots(), slots, "the slots are free");
    for (n, &name) in (0..).zip(&names) {
        assert_eq!(reads(&domain, name, &large(n)), n % 8 > 0);
    }
}

/// What has been taken out of its chain is known by its address to whoever will drop it: in the
/// slot, if it lies there.
#[test]
fn what_waits_for_its_drop_keeps_its_page_where_it_is() {
    let (domain, census) = (Domain::new(), Census::default());
    let names: Vec<Handle> =
        (0..OBJECTS).map(|_| domain.atomically(|tx| Ok(tx.create(census.count(0_u32))))).collect();
    let held = domain.hold();
    become_now(&domain, &names, large);
    drop(held);
    let other = domain.atomically(|tx| Ok(tx.create(0)));
    let (mut saved, mut partly) = (0, 0);
    while census.alive() > 0 {
        // It drops some, and takes more out of their chains.
        (0..32).for_each(|_| put(&domain, other, &1));
        let some = rehouse(&domain).unwrap();
        partly += usize::from(some > 0 && census.alive() > 0);
        saved += some;
    }
    domain.reclaim();
    saved += rehouse(&domain).unwrap();
    assert!(partly > 0, "some pages had nothing that waits");
    assert_eq!(saved, names.len() * saved_of(size_of::<Counted<u32>>()));
    expect_all(&domain, &names);
}

#[test]
fn objects_that_have_shrunk_get_smaller_slots() {
    let domain = Domain::new();
    let names = create(&domain, large);
    let held = domain.hold();
    become_now(&domain, &names, |n| n);
    assert_eq!(rehouse(&domain), Some(0), "a snapshot keeps what was larger");
    drop(held);
    domain.reclaim();
    let saved = rehouse(&domain).unwrap();
    assert!(saved >= names.len() * 32, "{saved} bytes saved");
    assert_eq!(rehouse(&domain), Some(0), "there is nothing left to do");
    assert!((0_u32..).zip(&names).all(|(n, &name)| domain.snapshot(|s| s.get(name) == Ok(&n))));
    // There and back: a roll back, for instance.
    (0..).zip(&names).for_each(|(n, &name)| grow(&domain, name, large(n)));
    domain.reclaim();
    assert_eq!(rehouse(&domain), Some(names.len() * saved_of(size_of::<u32>())));
    expect_all(&domain, &names);
}

#[test]
fn pages_that_are_almost_empty_keep_their_slots_for_what_is_to_come() {
    let domain = Domain::new();
    let names = create(&domain, large);
    for &name in names.iter().filter(|name| name.to_bits() % 3 > 0) {
        domain.atomically(|tx| tx.delete(name).map_err(|_| tx.retry()));
    }
    let left: Vec<_> = names.iter().copied().filter(|name| name.to_bits() % 3 == 0).collect();
    become_now(&domain, &left, |_| 7_u8);
    domain.reclaim();
    assert_eq!(rehouse(&domain), Some(0));
}

#[test]
fn whoever_is_in_a_transaction_is_in_the_way() {
    let domain = Domain::new();
    let names = grown(&domain);
    domain.reclaim();
    domain.snapshot(|s| {
        let seen = s.get::<Large>(names[3]).unwrap();
        assert_eq!(rehouse(&domain), None, "from within");
        thread::scope(|scope| {
            assert_eq!(scope.spawn(|| rehouse(&domain)).join().unwrap(), None, "from beside");
        });
        assert_eq!(*seen, large(3));
    });
    assert!(rehouse(&domain).unwrap() > 0);
    expect_all(&domain, &names);
}

#[test]
fn free_slots_move_with_their_page_and_are_used_again() {
    let domain = Domain::new();
    let names = grown(&domain);
    let (gone, left): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.to_bits() % 3 == 0);
    for &name in &gone {
        domain.atomically(|tx| tx.delete(name).map_err(|_| tx.retry()));
    }
    domain.reclaim();
    assert!(rehouse(&domain).unwrap() > 0);
    let slots = domain.slots();
    let new: Vec<Handle> =
        gone.iter().map(|_| domain.atomically(|tx| Ok(tx.create(large(1_000_000))))).collect();
    assert_eq!(domain.slots(), slots, "the free slots are found");
    for name in gone {
        assert_eq!(domain.snapshot(|s| s.get::<Large>(name).copied()), Err(AccessError::Deleted));
    }
    for (names, is_new) in [(left, false), (new, true)] {
        for name in names {
            let value = domain.snapshot(|s| s.get::<Large>(name).unwrap()[0]);
            assert_eq!(value == 1_000_000, is_new);
        }
    }
}

#[test]
fn whoever_waits_for_an_object_that_moves_is_woken_by_the_next_change() {
    watched(|| {
        let domain = Domain::new();
        let names = grown(&domain);
        domain.reclaim();
        let (looked, looks) = mpsc::channel();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                domain.atomically(|tx| {
                    let value = tx.get::<Large>(names[4]).map_err(|_| tx.retry())?[0];
                    looked.send(value).unwrap();
                    if value == 4 { Err(tx.retry()) } else { Ok(value) }
                })
            });
            looks.recv().unwrap();
            // It is on its way to sleep, or asleep.
            while rehouse(&domain).is_none() {
                thread::yield_now();
            }
            domain.atomically(|tx| tx.put(names[4], large(40)).map_err(|_| tx.retry()));
            assert_eq!(waiter.join().unwrap(), 40);
        });
    });
}

#[test]
fn beside_transactions_nothing_is_lost() {
    watched(|| beside_transactions(false));
}

#[test]
fn beside_transactions_and_a_held_snapshot_nothing_is_lost() {
    watched(|| beside_transactions(true));
}

fn beside_transactions(is_held: bool) {
    let domain = Domain::new();
    let names = create(&domain, |n| n);
    let held = is_held.then(|| domain.hold());
    become_now(&domain, &names, large);
    let expect_held = || {
        if let Some(held) = &held {
            held.read(|s| {
                assert!((0_u32..).zip(&names).step_by(9).all(|(n, &name)| s.get(name) == Ok(&n)))
            });
        }
    };
    let total = u64::from(OBJECTS) * u64::from(OBJECTS - 1) / 2;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2_usize {
            let (domain, names, over) = (&domain, &names, &over);
            scope.spawn(move || {
                let mut at = thread;
                while !over.load(Ordering::Relaxed) {
                    at = (at * 7 + 11) % names.len();
                    let (from, to) = (names[at], names[(at + 1) % names.len()]);
                    domain.atomically(|tx| {
                        let moved = tx.update(from, |it: &mut Large| std::mem::take(&mut it[0]));
                        let moved = moved.map_err(|_| tx.retry())?;
                        tx.update(to, |it: &mut Large| it[0] += moved).map_err(|_| tx.retry())
                    });
                }
            });
        }
        for _ in 0..if is_held { 20 } else { 100 } {
            let _ = rehouse(&domain);
            domain.reclaim();
            let seen: u64 = domain
                .snapshot(|s| names.iter().map(|&name| s.get::<Large>(name).unwrap()[0]).sum());
            assert_eq!(seen, total);
            expect_held();
        }
        over.store(true, Ordering::Relaxed);
    });
    domain.reclaim();
    // (Who is stopped on the way does not say what was saved until then.)
    rehouse(&domain).unwrap();
    assert_eq!(rehouse(&domain), Some(0));
    let seen: u64 =
        domain.snapshot(|s| names.iter().map(|&name| s.get::<Large>(name).unwrap()[0]).sum());
    assert_eq!(seen, total);
    expect_held();
}

#[test]
fn values_are_dropped_once() {
    let (domain, census) = (Domain::new(), Census::default());
    let names: Vec<Handle> =
        (0..OBJECTS).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    for (n, &name) in names.iter().enumerate() {
        grow(&domain, name, (census.count(n), [0_u64; 4]));
    }
    domain.reclaim();
    assert!(rehouse(&domain).unwrap() > 0);
    assert_eq!(census.alive(), names.len());
    for &name in &names[..100] {
        domain.atomically(|tx| tx.delete(name).map_err(|_| tx.retry()));
    }
    domain.reclaim();
    assert_eq!(census.alive(), names.len() - 100);
    let is_alive = |it: &(Counted<usize>, [u64; 4])| it.0.is_alive();
    assert!(names[100..].iter().all(|&n| domain.snapshot(|s| s.get(n).is_ok_and(is_alive))));
    drop(domain);
    assert_eq!(census.alive(), 0);
}
