//! A version that is put over another one at a touch takes its place, and that goes elsewhere: nobody
//! who looks at either of them finds a value half moved, or another one, and each is put there once.

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::{Seen, expect_orderly, model, model_within};
use crate::clock::{CommitTs, Era, Seq};
use crate::domain::Domain;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::{Layer, Touch, Touched};
use crate::snapshot::{HeldSnapshot, Snapshot};

const FLIP: CommitTs = CommitTs::new(Era::FIRST.next().unwrap(), Seq::ZERO);

/// A number that is greater by a hundred.
#[derive(Clone, Debug)]
struct Grown(Seen);

/// From the flip on numbers are greater by a hundred.
#[derive(Debug)]
struct Hundred;

/// The same, without another type for these.
#[derive(Debug)]
struct SameKind;

impl Layer for SameKind {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let Some(seen) = touch.value::<Seen>().filter(|_| touch.at() >= FLIP) else {
            return Touched::AsIs;
        };
        let number = look_twice(seen, || touch.is_buried());
        let _ = touch.install(FLIP, Seen::new(number + 100));
        Touched::Again
    }
}

/// A reference means the same number as long as it lasts. `pause` is a look at the object, so that
/// others come between.
fn look_twice<R>(seen: &Seen, pause: impl FnOnce() -> R) -> u32 {
    let number = seen.get();
    pause();
    assert_eq!(seen.get(), number, "a value was moved under a reference");
    number
}

impl Layer for Hundred {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let before = touch.version();
        let Some(seen) = touch.value::<Seen>().filter(|_| touch.at() >= FLIP) else {
            return Touched::AsIs;
        };
        let number = look_twice(seen, || touch.is_buried());
        if touch.install(FLIP, Grown(Seen::new(number + 100))).is_ok() {
            assert_eq!(touch.version(), before);
            assert_eq!(touch.value::<Seen>().map(Seen::get), Some(number), "not what was there");
        }
        Touched::Again
    }
}

/// An object whose first version, 0, lies in its slot.
fn object() -> (Domain, Handle) {
    object_under(Hundred)
}

/// The same, under another layer.
fn object_under(layer: impl Layer + 'static) -> (Domain, Handle) {
    let domain = Domain::builder().layer(layer).build().unwrap();
    let name = domain.atomically(|tx| Ok(tx.create(Seen::new(0))));
    (domain, name)
}

fn flip(domain: &Domain) -> HeldSnapshot {
    domain.advance_era(|_| domain.set_floor(Kind::of::<Seen>(), FLIP)).unwrap().before
}

/// The number, in a type that is the same before the flip and after.
fn same_number(s: &Snapshot<'_>, name: Handle) -> u32 {
    look_twice(s.get::<Seen>(name).unwrap(), || s.version(name))
}

/// The number after the flip.
fn look(domain: &Domain, name: Handle) -> u32 {
    domain.snapshot(|s| look_twice(&s.get::<Grown>(name).unwrap().0, || s.version(name)))
}

/// The number of somebody who may be left with the old one.
fn look_at_either(domain: &Domain, name: Handle) -> u32 {
    domain.snapshot(|s| {
        loop {
            let grown = s.get::<Grown>(name).map(|grown| &grown.0);
            if let Ok(seen) = grown.or_else(|_| s.get::<Seen>(name)) {
                return look_twice(seen, || s.version(name));
            }
        }
    })
}

fn expect(domain: &Domain, name: Handle, now: u32, old: &HeldSnapshot) {
    assert_eq!(look(domain, name), now);
    old.read(|s| assert_eq!(same_number(s, name), 0, "the instant before the flip has changed"));
    expect_orderly(domain);
}

/// Two touch the same object.
#[test]
fn succession_against_reader() {
    model(|| {
        let (domain, name) = object();
        let old = flip(&domain);
        let reader = thread::spawn({
            let domain = domain.clone();
            move || assert_eq!(look(&domain, name), 100)
        });
        assert_eq!(look(&domain, name), 100);
        reader.join().unwrap();
        expect(&domain, name, 100, &old);
    });
}

#[test]
fn succession_of_the_same_kind_against_reader() {
    model(|| {
        let (domain, name) = object_under(SameKind);
        let old = flip(&domain);
        let look =
            move |domain: &Domain| assert_eq!(domain.snapshot(|s| same_number(s, name)), 100);
        let reader = thread::spawn({
            let domain = domain.clone();
            move || look(&domain)
        });
        look(&domain);
        reader.join().unwrap();
        look(&domain);
        old.read(|s| assert_eq!(same_number(s, name), 0));
        expect_orderly(&domain);
    });
}

/// A layer that leaves the first one who asks with what they see, and whoever sweeps.
#[derive(Debug)]
struct Keeping(Hundred, AtomicBool);

impl Layer for Keeping {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        if touch.at() >= FLIP && (touch.is_swept() || !self.1.swap(true, Ordering::Relaxed)) {
            return Touched::AsIs;
        }
        self.0.touch(touch)
    }
}

/// Somebody is shown the version, and left with it.
#[test]
fn succession_against_who_keeps_the_predecessor() {
    model_within(2, || {
        let (domain, name) = object_under(Keeping(Hundred, AtomicBool::new(false)));
        let old = flip(&domain);
        let other = thread::spawn({
            let domain = domain.clone();
            move || look_at_either(&domain, name)
        });
        assert!([0, 100].contains(&look_at_either(&domain, name)));
        assert!([0, 100].contains(&other.join().unwrap()));
        expect(&domain, name, 100, &old);
    });
}

/// The same, and a sweep lets go of it meanwhile.
#[test]
fn succession_after_a_sweep_against_who_keeps_the_predecessor() {
    model_within(2, || {
        let (domain, name) = object_under(Keeping(Hundred, AtomicBool::new(false)));
        let old = flip(&domain);
        let other = thread::spawn({
            let domain = domain.clone();
            move || assert!([0, 100].contains(&look_at_either(&domain, name)))
        });
        domain.sweep(0..1);
        assert!([0, 100].contains(&look_at_either(&domain, name)));
        other.join().unwrap();
        expect(&domain, name, 100, &old);
    });
}

/// A transaction that may have begun before the flip.
#[test]
fn succession_against_old_reader() {
    model(|| {
        let (domain, name) = object();
        let reader = thread::spawn({
            let domain = domain.clone();
            move || assert!([0, 100].contains(&look_at_either(&domain, name)))
        });
        let old = flip(&domain);
        assert_eq!(look(&domain, name), 100);
        reader.join().unwrap();
        expect(&domain, name, 100, &old);
    });
}

/// Somebody who holds an instant from before the flip looks at it.
#[test]
fn succession_against_held_reader() {
    model(|| {
        let (domain, name) = object();
        let held = domain.hold();
        let reader = thread::spawn(move || held.read(|s| assert_eq!(same_number(s, name), 0)));
        let old = flip(&domain);
        assert_eq!(look(&domain, name), 100);
        reader.join().unwrap();
        expect(&domain, name, 100, &old);
    });
}

/// Somebody else puts a version there, without having touched the object.
#[test]
fn succession_against_installer() {
    model(|| {
        let (domain, name) = object();
        let first = domain.snapshot(|s| s.version(name).unwrap().stamp);
        let old = flip(&domain);
        let installer = thread::spawn({
            let domain = domain.clone();
            move || domain.install(name, first, FLIP, Grown(Seen::new(200))).is_ok()
        });
        let seen = look(&domain, name);
        let installed = installer.join().unwrap();
        assert_eq!(seen, if installed { 200 } else { 100 }, "both were put there");
        expect(&domain, name, seen, &old);
    });
}

#[test]
fn succession_against_writer() {
    model_within(2, || {
        let (domain, name) = object();
        let old = flip(&domain);
        let writer = thread::spawn({
            let domain = domain.clone();
            move || {
                let add = |it: &mut Grown| it.0 = Seen::new(it.0.get() + 1);
                domain.atomically(|tx| Ok(tx.update(name, add))).unwrap();
            }
        });
        assert!([100, 101].contains(&look(&domain, name)));
        writer.join().unwrap();
        expect(&domain, name, 101, &old);
    });
}

/// Somebody takes the floor away, as nobody should, and sees what lies below it.
#[test]
fn succession_against_who_lowers_the_floor() {
    model(|| {
        let (domain, name) = object();
        let old = flip(&domain);
        let reader = thread::spawn({
            let domain = domain.clone();
            move || {
                domain.set_floor(Kind::of::<Seen>(), CommitTs::ZERO);
                assert!([0, 100].contains(&look_at_either(&domain, name)));
            }
        });
        assert!([0, 100].contains(&look_at_either(&domain, name)));
        reader.join().unwrap();
        drop(old);
        expect_orderly(&domain);
    });
}
