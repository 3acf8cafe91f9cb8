//! Faults of upgrades that the oracle and tests under load have found, each as the smallest story
//! that shows it.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use upgradable::{
    AccessError, Background, Cx, Heap, OnFailure, Pace, Profile, Ref, TransformError, Upgradable,
    Upgrade, UpgradeFrom,
};

mod v1 {
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "story.Tag")]
    pub(crate) struct Tag(pub(crate) i32);

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "story.Whole")]
    pub(crate) struct Whole(pub(crate) i32);

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "story.Pair")]
    pub(crate) struct Pair(pub(crate) i32);

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "story.Half")]
    pub(crate) struct Half(pub(crate) i32);
}

thread_local! {
    /// By this the next transformation of a tag on this thread says that it has begun, and by
    /// that it is told to go on.
    static STOP: RefCell<Option<(Sender<()>, Receiver<()>)>> = const { RefCell::new(None) };
}

/// Only positive ones can be transformed.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Tag, manual)]
struct Tag(i64);

impl UpgradeFrom<v1::Tag> for Tag {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &v1::Tag, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        if let Some((here, on)) = STOP.take() {
            let _ = here.send(());
            let _ = on.recv();
        }
        if old.0 < 0 { Err("negative".into()) } else { Ok(Self(old.0.into())) }
    }

    fn put(new: &Self, _: Option<&v1::Tag>, _: &mut Cx<'_>) -> Result<v1::Tag, TransformError> {
        Ok(v1::Tag(new.0 as i32))
    }
}

/// Split: half of it becomes an object of its own.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Whole, manual)]
struct Whole {
    rest: i32,
    half: Ref<v1::Half>,
}

impl UpgradeFrom<v1::Whole> for Whole {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &v1::Whole, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let half = cx.create(v1::Half(old.0 / 2))?;
        Ok(Self { rest: old.0 - old.0 / 2, half })
    }

    fn put(
        new: &Self,
        _: Option<&v1::Whole>,
        cx: &mut Cx<'_>,
    ) -> Result<v1::Whole, TransformError> {
        Ok(v1::Whole(new.rest + cx.read(new.half)?.0))
    }
}

/// Gives its number to such an object, too.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Pair, manual)]
struct Pair(Ref<v1::Half>);

impl UpgradeFrom<v1::Pair> for Pair {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &v1::Pair, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self(cx.create(v1::Half(old.0))?))
    }

    fn put(new: &Self, _: Option<&v1::Pair>, cx: &mut Cx<'_>) -> Result<v1::Pair, TransformError> {
        Ok(v1::Pair(cx.read(new.0)?.0))
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Half)]
struct Half(i64);

fn heap_with<T: Upgradable>(value: T) -> (Heap, Ref<T>) {
    let heap = Heap::new();
    let object = heap.atomically(|tx| Ok(tx.create(value.clone())?)).unwrap();
    (heap, object)
}

fn tags() -> Upgrade {
    Upgrade::to("2").migrate::<v1::Tag, Tag>().background(Background::Off)
}

/// A transaction found no object where another one created it meanwhile, and committed after it:
/// while an upgrade was pending, the look at nothing was not noted as read.
#[test]
fn who_found_nothing_does_not_commit_after_it_is_there() {
    let (heap, tag) = heap_with(v1::Tag(1));
    heap.upgrade(tags()).unwrap();
    let mut finds = Vec::new();
    heap.atomically(|tx| {
        let other = std::thread::scope(|scope| {
            let create = || heap.atomically(|tx| Ok(tx.create(Tag(7))?)).unwrap();
            scope.spawn(create).join().unwrap()
        });
        // The first that was created: nobody else knows it, but it is there by now.
        let first = finds.first().map_or(other, |&(first, _)| first);
        let found = tx.read(first).is_ok();
        finds.push((first, found));
        Ok(tx.write(tag.cast::<Tag>(), Tag(i64::from(found)))?)
    })
    .unwrap();
    let found: Vec<bool> = finds.iter().map(|&(_, found)| found).collect();
    assert_eq!(found, [false, true], "it is executed again");
    assert_eq!(heap.snapshot(|s| s.read(tag.cast::<Tag>()).cloned()), Ok(Tag(1)));
}

/// What a transformer gave to a new object was lost when only that object had been written before
/// the roll back: the other one had not changed, and was taken back as it had been.
#[test]
fn what_is_written_to_a_split_off_part_survives_the_roll_back() {
    let (heap, whole) = heap_with(v1::Whole(100));
    let plan = Upgrade::to("2").migrate::<v1::Whole, Whole>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    heap.atomically(|tx| {
        let half = tx.read(whole.cast::<Whole>())?.half;
        Ok(tx.modify(half, |half| half.0 += 1_000)?)
    })
    .unwrap();
    running.roll_back().unwrap();
    assert_eq!(heap.snapshot(|s| s.read(whole).cloned()), Ok(v1::Whole(1_100)));
}

/// An earlier upgrade's transformers create objects that a later one converts. Both became
/// complete in one pass, that had the slots of those objects behind it.
#[test]
fn a_later_upgrade_converts_what_an_earlier_one_creates() {
    let (heap, _) = heap_with(v1::Tag(1));
    // In slots of its own thread: those where this one creates things are before them.
    let whole = std::thread::scope(|scope| {
        let create = || heap.atomically(|tx| Ok(tx.create(v1::Whole(100))?)).unwrap();
        scope.spawn(create).join().unwrap()
    });
    let split = Upgrade::to("2").migrate::<v1::Whole, Whole>().background(Background::Off);
    heap.upgrade(split).unwrap();
    let widen = Upgrade::to("3").migrate::<v1::Half, Half>().background(Background::Off);
    let widened = heap.upgrade(widen).unwrap();
    widened.wait().unwrap();
    let half = heap.snapshot(|s| {
        let half = s.read(whole.cast::<Whole>()).unwrap().half;
        s.read(half.cast::<Half>()).cloned()
    });
    assert_eq!(half, Ok(Half(50)));
    assert_eq!(widened.progress().transformed(), 1);
}

/// The first objects of a type were created by an earlier upgrade's transformers, when a later one
/// was under way. Its roll back took them for its own, and deleted them.
#[test]
fn what_an_earlier_upgrade_creates_survives_the_roll_back_of_a_later_one() {
    let (heap, whole) = heap_with(v1::Whole(100));
    let tag = heap.atomically(|tx| Ok(tx.create(v1::Tag(1))?)).unwrap();
    let split = Upgrade::to("2").migrate::<v1::Whole, Whole>().background(Background::Off);
    heap.upgrade(split).unwrap();
    let later = heap.upgrade(tags()).unwrap();
    let half = heap.snapshot(|s| s.read(whole.cast::<Whole>()).unwrap().half);
    later.roll_back().unwrap().wait().unwrap();
    assert_eq!(heap.snapshot(|s| s.read(half).cloned()), Ok(v1::Half(50)));
    assert_eq!(heap.snapshot(|s| s.read(tag).cloned()), Ok(v1::Tag(1)));
}

/// The same, when the later one's transformers had created such objects, too: these go.
#[test]
fn of_what_two_upgrades_create_only_that_of_the_undone_one_is_deleted() {
    let (heap, whole) = heap_with(v1::Whole(100));
    let pair = heap.atomically(|tx| Ok(tx.create(v1::Pair(7))?)).unwrap();
    let split = Upgrade::to("2").migrate::<v1::Whole, Whole>().background(Background::Off);
    heap.upgrade(split).unwrap();
    let pairs = Upgrade::to("3").migrate::<v1::Pair, Pair>().background(Background::Off);
    let later = heap.upgrade(pairs).unwrap();
    let (earliers, laters) = heap.snapshot(|s| {
        let laters = s.read(pair.cast::<Pair>()).unwrap().0;
        (s.read(whole.cast::<Whole>()).unwrap().half, laters)
    });
    later.roll_back().unwrap().wait().unwrap();
    assert_eq!(heap.snapshot(|s| s.read(earliers).cloned()), Ok(v1::Half(50)));
    assert_eq!(heap.snapshot(|s| s.read(laters).cloned()), Err(AccessError::Deleted));
    assert_eq!(heap.snapshot(|s| s.read(pair).cloned()), Ok(v1::Pair(7)));
}

/// After a roll back an object was written that the upgrade had never converted. Who still saw
/// the upgraded program found neither the old form nor the new one.
#[test]
fn an_instant_of_the_undone_era_shows_what_was_written_over_since() {
    let (heap, tag) = heap_with(v1::Tag(1));
    let running = heap.upgrade(tags()).unwrap();
    let then = heap.hold();
    let back = running.roll_back().unwrap();
    heap.atomically(|tx| Ok(tx.write(tag, v1::Tag(2))?)).unwrap();
    assert_eq!(then.read(|s| s.read(tag.cast::<Tag>()).cloned()), Ok(Tag(1)));
    assert_eq!(heap.snapshot(|s| s.read(tag).cloned()), Ok(v1::Tag(2)));
    drop(then);
    back.wait().unwrap();
    assert_eq!(heap.snapshot(|s| s.read(tag).cloned()), Ok(v1::Tag(2)));
}

/// While somebody still sees the upgraded program, whoever comes takes objects forward and back.
/// One who was slow at it put the object forward when the roll back had long become complete: it
/// stayed there, and nobody of the program that was back could read it.
#[test]
fn who_is_slow_to_go_forward_and_back_does_not_stay_half_way() {
    let (heap, tag) = heap_with(v1::Tag(1));
    let running = heap.upgrade(tags()).unwrap();
    running.pause();
    let then = heap.hold();
    let back = running.roll_back().unwrap();
    let ((here, is_here), (go, on)) = (channel(), channel());
    thread::scope(|scope| {
        let heap = &heap;
        let slow = scope.spawn(move || {
            STOP.set(Some((here, on)));
            heap.snapshot(|s| s.read(tag).cloned())
        });
        is_here.recv_timeout(Duration::from_secs(60)).expect("it is being transformed");
        drop(then);
        running.resume();
        back.wait().unwrap();
        drop(go);
        assert_eq!(slow.join().unwrap(), Ok(v1::Tag(1)));
    });
    assert_eq!(heap.snapshot(|s| s.read(tag).cloned()), Ok(v1::Tag(1)));
}

/// The other side of it: an object that can't be converted is there after the roll back, also
/// while somebody still sees the upgraded program.
#[test]
fn what_could_not_go_forward_is_there_after_the_roll_back() {
    for policy in [OnFailure::Fail, OnFailure::Quarantine] {
        let (heap, tag) = heap_with(v1::Tag(-1));
        let running = heap.upgrade(tags().on_failure(policy)).unwrap();
        let then = heap.hold();
        running.roll_back().unwrap();
        assert_eq!(heap.snapshot(|s| s.read(tag).cloned()), Ok(v1::Tag(-1)));
        heap.atomically(|tx| Ok(tx.modify(tag, |tag| tag.0 -= 1)?)).unwrap();
        assert_eq!(heap.snapshot(|s| s.read(tag).cloned()), Ok(v1::Tag(-2)));
        let failed = then.read(|s| s.read(tag.cast::<Tag>()).cloned());
        assert!(failed.is_err_and(|error| !matches!(error, AccessError::Deleted)));
    }
}

/// An upgrade became complete while the next one began: the one cleared the marks by which objects
/// of the other are found, or counted a pass as its that had run before it.
#[test]
fn an_upgrade_that_begins_as_another_one_ends_converts_everything() {
    let (heap, _) = heap_with(v1::Tag(1));
    let rounds = if cfg!(chaos) { 50 } else { 300 };
    for round in 0..rounds {
        let refresh = || Upgrade::to("again").refresh::<v1::Tag>();
        let plan = || refresh().background(Background::On(Pace::Full));
        let first = heap.upgrade(plan()).unwrap();
        if round % 2 == 0 {
            // Until the sweeper is at it.
            while first.progress().transformed() == 0 {
                std::hint::spin_loop();
            }
        }
        let second = heap.upgrade(plan()).unwrap();
        second.wait().unwrap();
        assert_eq!([&first, &second].map(|flip| flip.progress().transformed()), [1, 1]);
        first.promote().unwrap();
        second.promote().unwrap();
    }
}
