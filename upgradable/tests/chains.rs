//! Upgrades that follow each other while earlier ones are unfinished: an object steps through
//! every one in order, each step at that upgrade's own instant.

mod common;

use common::*;
use upgradable::{
    AccessError, Background, Cx, Heap, Pace, Profile, PromoteError, Ref, RunningUpgrade,
    TransformError, Upgradable, Upgrade, UpgradeFrom, UpgradeState,
};

/// Versions of a type that note the path they have come.
macro_rules! ages {
    ($($module:ident: $number:literal $(from $from:ident)?;)*) => {$(
        mod $module {
            use upgradable::Upgradable;

            #[derive(Upgradable, Clone, Debug, PartialEq)]
            #[upgrade(name = "test.Age", version = $number $(, from = super::$from::Age)?)]
            pub(super) struct Age {
                $(#[upgrade(with = |path: &String| {
                    let _ = stringify!($from);
                    format!("{path}{}", $number)
                }, back = |path: &String| path.clone())])?
                pub(super) path: String,
            }
        }
    )*};
}

ages! {
    a1: 1;
    a2: 2 from a1;
    a3: 3 from a2;
    a4: 4 from a3;
    a5: 5 from a4;
}

fn lazily(to: &str) -> Upgrade {
    Upgrade::to(to).background(Background::Off)
}

/// The four upgrades, one after the other, none of them finished.
fn four(heap: &Heap, mut between: impl FnMut(u32)) -> Vec<RunningUpgrade> {
    let plans = [
        lazily("2").migrate::<a1::Age, a2::Age>(),
        lazily("3").migrate::<a2::Age, a3::Age>(),
        lazily("4").migrate::<a3::Age, a4::Age>(),
        lazily("5").migrate::<a4::Age, a5::Age>(),
    ];
    let mut running = Vec::new();
    for (n, plan) in (2..).zip(plans) {
        running.push(heap.upgrade(plan).unwrap());
        between(n);
    }
    running
}

fn path(heap: &Heap, object: Ref<a5::Age>) -> String {
    get(heap, object).path
}

fn old(path: &str) -> a1::Age {
    a1::Age { path: path.into() }
}

#[test]
fn objects_of_every_age_take_every_step_once() {
    let heap = Heap::new();
    let first = create(&heap, old("1"));
    let touched = create(&heap, old("1"));
    let mut created = Vec::new();
    let running = four(&heap, |n| match n {
        2 => created.push(create(&heap, a2::Age { path: "new2".into() }).cast::<a5::Age>()),
        3 => {
            created.push(create(&heap, a3::Age { path: "new3".into() }).cast());
            heap.atomically(|tx| Ok(tx.modify(touched.cast::<a3::Age>(), |a| a.path.push('!'))?))
                .unwrap();
        }
        4 => created.push(create(&heap, a4::Age { path: "new4".into() }).cast()),
        _ => created.push(create(&heap, a5::Age { path: "new5".into() })),
    });
    assert_eq!(path(&heap, first.cast()), "12345");
    assert_eq!(path(&heap, touched.cast()), "123!45");
    let paths: Vec<_> = created.iter().map(|&object| path(&heap, object)).collect();
    assert_eq!(paths, ["new2345", "new345", "new45", "new5"]);
    for running in &running {
        finish(running);
    }
    assert_eq!(path(&heap, first.cast()), "12345");
    let transformed: Vec<_> = running.iter().map(|r| r.progress().transformed()).collect();
    assert_eq!(transformed, [2, 3, 4, 5]);
}

#[test]
fn transactions_in_flight_see_the_version_of_their_own_time() {
    let heap = Heap::new();
    let object = create(&heap, old("1"));
    let late = create(&heap, old("1"));
    let mut held = vec![heap.hold()];
    let running = four(&heap, |_| held.push(heap.hold()));
    // The newest first: then all middle versions must be there for those who come later.
    assert_eq!(path(&heap, object.cast()), "12345");
    heap.atomically(|tx| {
        tx.modify(object.cast::<a5::Age>(), |age| age.path.push('!'))?;
        Ok(tx.delete(late.cast::<a5::Age>())?)
    })
    .unwrap();
    for object in [object, late] {
        assert_eq!(held[0].read(|s| s.read(object).cloned()).unwrap().path, "1");
        let two = held[1].read(|s| s.read(object.cast::<a2::Age>()).cloned());
        assert_eq!(two.unwrap().path, "12");
        let three = held[2].read(|s| s.read(object.cast::<a3::Age>()).cloned());
        assert_eq!(three.unwrap().path, "123");
        let four = held[3].read(|s| s.read(object.cast::<a4::Age>()).cloned());
        assert_eq!(four.unwrap().path, "1234");
        let wrong = held[2].read(|s| s.read(object).cloned());
        assert!(matches!(wrong, Err(AccessError::StaleType(_))), "{wrong:?}");
        let wrong = held[2].read(|s| s.read(object.cast::<a4::Age>()).cloned());
        assert!(matches!(wrong, Err(AccessError::NotYet(_))), "{wrong:?}");
    }
    drop(held);
    running.iter().for_each(finish);
}

/// A middle transaction is the first to touch the object; the newer ones go on from there.
#[test]
fn a_transaction_in_flight_transforms_up_to_its_own_time() {
    let heap = Heap::new();
    let object = create(&heap, old("1"));
    let mut middle = None;
    let running = four(&heap, |n| {
        if n == 3 {
            middle = Some(heap.hold());
        }
    });
    let seen = middle.unwrap().read(|s| s.read(object.cast::<a3::Age>()).cloned());
    assert_eq!(seen.unwrap().path, "123");
    let done: Vec<_> = running.iter().map(|r| r.progress().transformed()).collect();
    assert_eq!(done, [1, 1, 0, 0]);
    assert_eq!(path(&heap, object.cast()), "12345");
    running.iter().for_each(finish);
}

#[test]
fn lineages_of_only_some_of_the_upgrades_take_only_those_steps() {
    let heap = Heap::new();
    let age = create(&heap, old("1"));
    let text = create(&heap, note("a"));
    let plain = create(&heap, Plain(1));
    let first = heap.upgrade(lazily("2").migrate::<a1::Age, a2::Age>()).unwrap();
    let second = heap.upgrade(lazily("n").migrate::<v1::Note, Note>()).unwrap();
    let third = heap.upgrade(lazily("3").migrate::<a2::Age, a3::Age>()).unwrap();
    let fourth = heap.upgrade(lazily("p").refresh::<Plain>()).unwrap();
    assert_eq!(get(&heap, age.cast::<a3::Age>()).path, "123");
    assert_eq!(get(&heap, text.cast::<Note>()).stars, 2);
    assert_eq!(get(&heap, plain), Plain(1));
    let all = [&first, &second, &third, &fourth];
    assert_eq!(all.map(|running| running.progress().by_touch), [1; 4]);
    all.into_iter().for_each(finish);
}

/// A null update between two steps changes nothing, and is one of the versions.
#[test]
fn a_null_update_inside_a_chain() {
    let heap = Heap::new();
    let object = create(&heap, old("1"));
    let first = heap.upgrade(lazily("2").migrate::<a1::Age, a2::Age>()).unwrap();
    let null = heap.upgrade(lazily("null").refresh::<a2::Age>()).unwrap();
    let between = heap.hold();
    let last = heap.upgrade(lazily("3").migrate::<a2::Age, a3::Age>()).unwrap();
    assert_eq!(get(&heap, object.cast::<a3::Age>()).path, "123");
    let seen = between.read(|s| s.read(object.cast::<a2::Age>()).cloned());
    assert_eq!(seen.unwrap().path, "12");
    drop(between);
    assert_eq!([&first, &null, &last].map(|running| running.progress().by_touch), [1; 3]);
    [&first, &null, &last].into_iter().for_each(finish);
}

// --- splits --------------------------------------------------------------------------------------

mod s1 {
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Tree")]
    pub(super) struct Tree {
        pub(super) leaf: String,
    }

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Leaf")]
    pub(super) struct Leaf {
        pub(super) text: String,
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Tree", version = 2, from = s1::Tree, manual)]
struct Tree {
    leaf: Ref<s1::Leaf>,
}

impl UpgradeFrom<s1::Tree> for Tree {
    const PROFILE: Profile = Profile::one_way("for a test");

    fn upgrade_from(old: &s1::Tree, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { leaf: cx.create(s1::Leaf { text: old.leaf.clone() })? })
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Leaf", version = 2, from = s1::Leaf)]
struct Leaf {
    text: String,
    #[upgrade(default = 5)]
    size: u32,
}

/// The first upgrade's transformers run when the second has begun: what they create is of the
/// time of the first, and takes the second step.
#[test]
fn a_later_upgrade_transforms_what_an_earlier_one_has_split_off() {
    for background in [Background::Off, Background::On(Pace::Full)] {
        let heap = Heap::new();
        let trees: Vec<_> =
            (0..300).map(|n| create(&heap, s1::Tree { leaf: n.to_string() })).collect();
        let split = lazily("2").migrate::<s1::Tree, Tree>();
        let first = heap.upgrade(split.background(background)).unwrap();
        let sized = lazily("3").migrate::<s1::Leaf, Leaf>();
        let second = heap.upgrade(sized.background(background)).unwrap();
        let leaf = get(&heap, trees[7].cast::<Tree>()).leaf;
        assert_eq!(get(&heap, leaf.cast::<Leaf>()).text, "7");
        finish(&first);
        finish(&second);
        heap.snapshot(|s| {
            assert_eq!(s.objects::<Leaf>().count(), 300);
            for tree in &trees {
                let leaf = s.read(tree.cast::<Tree>()).unwrap().leaf;
                assert_eq!(s.read(leaf.cast::<Leaf>()).unwrap().size, 5);
            }
        });
    }
}

// --- the end -------------------------------------------------------------------------------------

#[test]
fn upgrades_are_promoted_in_order() {
    let heap = Heap::new();
    create(&heap, old("1"));
    let running = four(&heap, |_| ());
    running[3].wait().unwrap();
    assert!(running.iter().all(|r| r.state() == UpgradeState::Complete), "one waits for all");
    for n in 1..4 {
        let refused = running[n].promote();
        let earliest = running[n - 1].name().to_owned();
        assert!(
            matches!(&refused, Err(PromoteError::NotEarliest { name, .. }) if **name == *"2"),
            "{refused:?}, not {earliest}"
        );
    }
    for running in &running {
        running.promote().unwrap();
    }
    let begun_again = heap.upgrade(lazily("6").refresh::<a5::Age>()).unwrap();
    finish(&begun_again);
}

#[test]
fn the_newest_is_undone_while_the_others_are_unfinished() {
    let heap = Heap::new();
    let object = create(&heap, old("1"));
    let untouched = create(&heap, old("1"));
    let running = four(&heap, |_| ());
    assert_eq!(path(&heap, object.cast()), "12345");
    running[3].roll_back().unwrap();
    assert_eq!(get(&heap, object.cast::<a4::Age>()).path, "1234");
    assert_eq!(get(&heap, untouched.cast::<a4::Age>()).path, "1234");
    running[..3].iter().for_each(finish);
}

/// Beside writers of whichever version is current, the sweeper, and upgrades one after another.
#[test]
fn a_chain_under_way_beside_writers() {
    watched(|| {
        let heap = Heap::new();
        let objects: Vec<_> = (0..200).map(|_| create(&heap, old(""))).collect();
        let stop = std::sync::atomic::AtomicBool::new(false);
        let order = std::sync::atomic::Ordering::Relaxed;
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let (mut n, mut written) = (0, 0);
                while !stop.load(order) {
                    n = (n + 7) % objects.len();
                    let object = objects[n];
                    heap.atomically(|tx| {
                        // In whichever version this runs.
                        macro_rules! push {
                            ($($age:ident)*) => {
                                $(if tx.read(object.cast::<$age::Age>()).is_ok() {
                                    tx.modify(object.cast::<$age::Age>(), |a| a.path.push('!'))?;
                                } else)* { panic!("of no version") }
                            };
                        }
                        push!(a1 a2 a3 a4 a5);
                        Ok(())
                    })
                    .unwrap();
                    written += 1;
                }
                written
            });
            let running = four(&heap, |_| std::thread::sleep(std::time::Duration::from_millis(2)));
            running[0].set_pace(Pace::Full);
            running.iter().for_each(finish);
            stop.store(true, order);
            let written: usize = writer.join().unwrap();
            let paths = objects.iter().map(|object| path(&heap, object.cast()));
            let (mut marks, mut steps) = (0, String::new());
            for path in paths {
                marks += path.matches('!').count();
                steps = path.replace('!', "");
                assert_eq!(steps, "2345", "each step once, in order");
            }
            assert_eq!((marks, &*steps), (written, "2345"), "no write is lost");
        });
    });
}
