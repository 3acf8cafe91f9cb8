//! What a heap pays for upgrades: a floor asks about every object that is read below it, so kinds
//! that no upgrade changes have none, and nobody has one when nothing is left to convert.

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
