//! What a heap pays for upgrades: a floor asks about every object that is read below it, so kinds
//! that no upgrade changes have none, and nobody has one when nothing is left to convert.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use upgradable_derive::Upgradable;
use upgradable_stm::{CommitTs, Kind};

use crate::{Background, Heap, Upgrade};

mod v1 {
    use upgradable_derive::Upgradable;

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Note", crate = crate)]
    pub(super) struct Note {
        pub(super) text: String,
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Note", version = 2, from = v1::Note, crate = crate)]
struct Note {
    text: String,
    #[upgrade(default = 1)]
    stars: u8,
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Plain", crate = crate)]
struct Plain(u32);

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Shared", crate = crate)]
struct Shared(Arc<()>);

#[test]
fn only_what_an_upgrade_changes_has_a_floor_and_only_until_it_is_complete() {
    let heap = Heap::new();
    let (note, plain) = heap
        .atomically(|tx| Ok((tx.create(v1::Note { text: "a".into() })?, tx.create(Plain(1))?)))
        .unwrap();
    let floors = || {
        let kinds = [Kind::of::<v1::Note>(), Kind::of::<Note>(), Kind::of::<Plain>()];
        kinds.map(|kind| heap.domain.floor(kind) > CommitTs::ZERO)
    };
    assert_eq!(floors(), [false; 3]);
    let plan = Upgrade::to("2").migrate::<v1::Note, Note>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    assert_eq!(floors(), [true, false, false]);
    let seen = heap.snapshot(|s| (s.read(note.cast::<Note>()).cloned(), s.read(plain).cloned()));
    let (Ok(note), Ok(plain)) = seen else { panic!("they are there") };
    assert_eq!((&*note.text, note.stars, plain.0), ("a", 1, 1));
    running.wait().unwrap();
    assert_eq!(floors(), [false; 3]);
    let back = running.roll_back().unwrap();
    // Who began before the roll back still goes forward.
    assert_eq!(floors(), [true, true, false]);
    back.wait().unwrap();
    assert_eq!(floors(), [false; 3]);
}

/// Waits until the background has nothing to do.
fn rest(heap: &Heap) {
    while heap.inner.sweeper.is_running() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The old version of an object is at home until the promotion, as a roll back needs it; so the new
/// one is elsewhere, a second look at memory for each read, until the two have exchanged their places.
#[test]
fn what_is_converted_comes_home_before_the_promotion() {
    const OBJECTS: u32 = 1000;
    let heap = Heap::new();
    let all = heap.atomically(|tx| Ok((0..OBJECTS).map(|n| tx.create(Plain(n))).collect()));
    let all: Result<Vec<_>, _> = all.unwrap();
    let all = all.unwrap();
    let running = heap.upgrade(Upgrade::to("1 again").refresh::<Plain>()).unwrap();
    running.wait().unwrap();
    rest(&heap);
    assert_eq!(heap.domain.bring_home(0..heap.domain.slots()), Some(0));
    let numbers = || -> Result<Vec<u32>, _> {
        heap.snapshot(|s| all.iter().map(|&one| s.read(one).map(|plain| plain.0)).collect())
    };
    assert!(numbers().unwrap().into_iter().eq(0..OBJECTS));
    heap.atomically(|tx| Ok(tx.modify(all[7], |plain| plain.0 = 70)?)).unwrap();
    running.roll_back().unwrap().wait().unwrap();
    let expected = (0..OBJECTS).map(|n| if n == 7 { 70 } else { n });
    assert!(numbers().unwrap().into_iter().eq(expected));
}

/// Under load half of what is written lies outside of its slot at any time, and comes back with the
/// next write. To bring that home after an upgrade, too, took hundreds of moments without
/// transactions, for which everybody waited, and for nothing.
#[test]
fn what_was_written_since_the_flip_is_left_where_it_lies() {
    const OBJECTS: u32 = 1000;
    let heap = Heap::new();
    let all = heap.atomically(|tx| (0..OBJECTS).map(|n| Ok(tx.create(Plain(n))?)).collect());
    let all: Vec<_> = all.unwrap();
    let plan = Upgrade::to("1 again").refresh::<Plain>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    let (written, _) = all.split_at(300);
    heap.snapshot(|s| written.iter().for_each(|&one| assert!(s.read(one).is_ok())));
    let held = heap.hold();
    heap.atomically(|tx| Ok(written.iter().try_for_each(|&one| tx.modify(one, |n| n.0 += 1))?))
        .unwrap();
    drop(held);
    heap.reclaim();
    let away = || heap.domain.away(0..heap.domain.slots()).len();
    assert_eq!(away(), written.len());
    running.wait().unwrap();
    rest(&heap);
    assert_eq!(away(), written.len());
    assert!(heap.compact());
    assert_eq!(away(), 0);
}

/// What did not fit into its slot any more lay elsewhere until the promotion.
#[test]
fn what_has_grown_gets_a_larger_slot_before_the_promotion() {
    for by_touch in [true, false] {
        let heap = Heap::new();
        let note = |n: usize| v1::Note { text: n.to_string() };
        let notes = heap.atomically(|tx| (0..2048).map(|n| Ok(tx.create(note(n))?)).collect());
        let notes: Vec<_> = notes.unwrap();
        let plan = Upgrade::to("2").migrate::<v1::Note, Note>().background(Background::Off);
        let running = heap.upgrade(plan).unwrap();
        let expect = |n: usize, text: &str| assert_eq!(text, n.to_string());
        let read_all = || {
            for (n, note) in notes.iter().enumerate() {
                heap.snapshot(|s| expect(n, &s.read(note.cast::<Note>()).unwrap().text));
            }
        };
        if by_touch {
            read_all();
        } else {
            running.wait().unwrap();
            rest(&heap);
        }
        // What the background has left, when it was through.
        let saved = heap.domain.rehouse(0..heap.domain.slots()).unwrap();
        assert_eq!(saved > 0, by_touch, "{saved} bytes");
        read_all();
        running.roll_back().unwrap().wait().unwrap();
        for (n, &note) in notes.iter().enumerate() {
            heap.snapshot(|s| expect(n, &s.read(note).unwrap().text));
        }
    }
}

/// The background was at work on the heap, at its pace, when an upgrade was promoted; and all that
/// this released, a version of every object, was dropped in one go before the pace was looked at
/// again: hundreds of milliseconds of a processor, and answers that took ten.
#[test]
fn a_promotion_in_the_middle_of_tidying_is_tidied_at_the_pace() {
    const OBJECTS: usize = 20_000;
    let heap = Heap::new();
    let value = Arc::new(());
    heap.atomically(|tx| {
        for _ in 0..OBJECTS {
            tx.create(Shared(Arc::clone(&value)))?;
        }
        Ok(())
    })
    .unwrap();
    let plan = Upgrade::to("1 again").refresh::<Shared>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    running.wait().unwrap();
    rest(&heap);
    // What the background does, it does in pieces here, and then waits.
    running.pause();
    running.promote().unwrap();
    for tidied in [heap.inner.compact(CommitTs::NEVER, |_| false), heap.inner.rehouse(|_| false)] {
        assert!(!tidied);
        let left = Arc::strong_count(&value) - 1 - OBJECTS;
        assert!(left > OBJECTS / 2, "{left} old versions are left");
    }
    running.resume();
    rest(&heap);
    assert_eq!(Arc::strong_count(&value) - 1, OBJECTS);
}
