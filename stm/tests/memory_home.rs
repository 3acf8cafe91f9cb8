//! Versions come home, and memory goes back: after updates an object may lie outside of its slot.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use upgradable_stm::{Domain, Handle, Kind};

#[test]
fn an_object_updated_while_its_first_version_is_seen_lies_away_until_it_is_written_again() {
    let domain = Domain::new();
    let names: Vec<_> = (0..100).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    let away = || domain.away(0..domain.slots()).len();
    assert_eq!(away(), 0);
    let held = domain.hold();
    for &name in &names {
        domain.atomically(|tx| Ok(tx.put(name, 7))).unwrap();
    }
    assert_eq!(away(), 0, "there is no room at home yet");
    drop(held);
    domain.reclaim();
    assert_eq!(away(), 100);
    assert!(domain.away(0..domain.slots()).contains(&(names[5], Kind::of::<i32>())));
    for &name in &names {
        domain.atomically(|tx| Ok(tx.update(name, |_: &mut i32| ()))).unwrap();
    }
    assert_eq!(away(), 0);
    assert!(names.iter().all(|&name| domain.snapshot(|s| *s.get::<i32>(name).unwrap()) == 7));
}

#[test]
fn free_memory_goes_back_unless_somebody_may_look_at_it() {
    const OBJECTS: usize = 20_000;
    let domain = Domain::new();
    let names: Vec<_> = (0..OBJECTS).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    let held = domain.hold();
    let write = |value: usize| {
        for &name in &names {
            domain.atomically(|tx| Ok(tx.put(name, value))).unwrap();
        }
    };
    write(1);
    assert_eq!(domain.shrink(), 0, "every block has a version");
    drop(held);
    domain.reclaim();
    write(2);
    // Somebody who began before the blocks' last versions were superseded.
    let old = domain.hold();
    domain.atomically(|tx| Ok(tx.put(names[0], 3_usize))).unwrap();
    domain.reclaim();
    let some = domain.shrink();
    drop(old);
    domain.reclaim();
    let all = some + domain.shrink();
    assert!(all > OBJECTS * 40, "{all} bytes of blocks that are free");
    assert!(names.iter().skip(1).all(|&n| domain.snapshot(|s| *s.get::<usize>(n).unwrap()) == 2));
    // And blocks are made again when they are needed.
    let held = domain.hold();
    write(4);
    drop(held);
    assert!(names.iter().all(|&n| domain.snapshot(|s| *s.get::<usize>(n).unwrap()) == 4));
}

const FREE: usize = 5_000;

/// A domain with so many free blocks, and the objects whose versions lay in them.
fn with_free_blocks() -> (Domain, Vec<Handle>) {
    let domain = Domain::new();
    let names: Vec<_> = (0..FREE).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    write_in_company(&domain, &names, 1);
    for &name in &names {
        domain.atomically(|tx| Ok(tx.put(name, 2_usize))).unwrap();
    }
    domain.reclaim();
    (domain, names)
}

/// Writes objects while somebody sees what they were: into blocks, if they lie at home.
fn write_in_company(domain: &Domain, names: &[Handle], value: usize) {
    let held = domain.hold();
    for &name in names {
        domain.atomically(|tx| Ok(tx.put(name, value))).unwrap();
    }
    drop(held);
    domain.reclaim();
}

/// Blocks come in chunks of 32. One that is in use keeps the others of its chunk.
#[test]
fn a_chunk_goes_when_all_of_its_blocks_are_free() {
    let domain = Domain::new();
    let names: Vec<_> = (0..FREE).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    write_in_company(&domain, &names, 1);
    let stay = |n: usize| n.is_multiple_of(16);
    for (n, &name) in names.iter().enumerate().filter(|&(n, _)| !stay(n)) {
        domain.atomically(|tx| Ok(tx.put(name, n))).unwrap();
    }
    domain.reclaim();
    let some = domain.shrink();
    assert!(some < FREE * 4, "{some} bytes of {FREE} blocks, of which a sixteenth is in use");
    for (n, &name) in names.iter().enumerate() {
        let value = domain.snapshot(|s| *s.get::<usize>(name).unwrap());
        assert_eq!(value, if stay(n) { 1 } else { n });
    }
}

#[test]
fn who_stops_giving_memory_back_or_panics_on_the_way_loses_none() {
    let (domain, names) = with_free_blocks();
    let mut stops = 0;
    let bytes = loop {
        let mut asked = 0;
        let bytes = domain.shrink_while(|| {
            asked += 1;
            asked <= stops
        });
        if bytes > 0 {
            break bytes;
        }
        assert_eq!(asked, stops + 1, "it goes on when it should not");
        stops += 1;
        let mut asked = 0;
        let panics = catch_unwind(AssertUnwindSafe(|| {
            domain.shrink_while(|| {
                asked += 1;
                if asked < stops { true } else { resume_unwind(Box::new("on the way")) }
            })
        }));
        assert!(panics.is_err());
    };
    assert!(stops > 2 * FREE / 1_000, "asked {stops} times only");
    assert!(bytes > FREE * 40, "{bytes} bytes of {FREE} blocks");
    assert!(names.iter().all(|&n| domain.snapshot(|s| *s.get::<usize>(n).unwrap()) == 2));
}

#[test]
fn free_blocks_are_used_while_they_are_looked_at() {
    let (domain, names) = with_free_blocks();
    let mut rounds = 0;
    let bytes = domain.shrink_while(|| {
        rounds += 1;
        write_in_company(&domain, &names[..300], rounds);
        true
    });
    assert!(bytes > FREE * 20, "{bytes} bytes, though few blocks were in use");
    for (n, &name) in names.iter().enumerate() {
        let value = domain.snapshot(|s| *s.get::<usize>(name).unwrap());
        assert_eq!(value, if n < 300 { rounds } else { 2 });
    }
}

/// Each of them has a part of the chunks in hand, and finds free blocks of the other's. One took
/// such a block for one of its own chunks, counted that as free, and gave it away with its
/// versions.
#[test]
fn two_may_give_memory_back_at_once() {
    const OBJECTS: usize = 2_000;
    let domain = Domain::new();
    let names: Vec<_> = (0..OBJECTS).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    domain.shrink();
                }
            });
        }
        for round in 1..60 {
            // In company, so that versions go to blocks.
            let held = domain.hold();
            for (n, &name) in names.iter().enumerate() {
                domain.atomically(|tx| Ok(tx.put(name, n + round))).unwrap();
            }
            drop(held);
            domain.reclaim();
            for (n, &name) in names.iter().enumerate() {
                let value = domain.snapshot(|s| *s.get::<usize>(name).unwrap());
                assert_eq!(value, n + round);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
}
