//! A look at an object that is not there, while it comes to be at a past instant that the looker
//! sees: it finds nothing, or what the layer has seen to.
//!
//! A touch once compared with the floor what it found, and its transaction then looked again: what
//! had come to be between was seen as it was, and moved under the reference by who touched it next.

use loom::sync::mpsc::channel;
use loom::thread;

use super::{Seen, expect_orderly, model, model_within};
use crate::clock::{CommitTs, Era, Seq};
use crate::domain::Domain;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::{Layer, Touch, Touched, Written};
use crate::snapshot::Snapshot;

const FIRST: Era = Era::FIRST.next().unwrap();
const FIRST_FLIP: CommitTs = CommitTs::new(FIRST, Seq::ZERO);
const SECOND_FLIP: CommitTs = CommitTs::new(FIRST.next().unwrap(), Seq::ZERO);

/// Before the first flip: what a number is made for.
#[derive(Debug)]
struct Whole(#[expect(dead_code, reason = "it takes a place")] Seen);

/// A number that is greater by a hundred.
#[derive(Debug)]
struct Grown(#[expect(dead_code, reason = "it takes a place")] Seen);

/// From the first flip on there is a number for each whole; from the second on, or from the first if
/// there is no other, numbers are greater by a hundred.
#[derive(Debug)]
struct Chain {
    grown_since: CommitTs,
}

impl Layer for Chain {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        if touch.value::<Whole>().is_some() && touch.at() >= FIRST_FLIP {
            touch.create(Seen::new(7));
            let _ = touch.install(FIRST_FLIP, ());
            return Touched::Again;
        }
        let number =
            touch.value::<Seen>().filter(|_| touch.at() >= self.grown_since).map(Seen::get);
        let Some(number) = number else { return Touched::AsIs };
        let _ = touch.install(self.grown_since, Grown(Seen::new(number + 100)));
        Touched::Again
    }

    fn admits_late(&self, _: Era, _: &[Written]) -> bool {
        true
    }
}

/// A domain with one object, and the name of the next one, as if somebody had let it out.
fn domain(grown_since: CommitTs) -> (Domain, Handle, Handle) {
    let domain = Domain::builder().layer(Chain { grown_since }).build().unwrap();
    let first = domain.atomically(|tx| Ok(tx.create(Whole(Seen::new(0)))));
    (domain, first, Handle::from_bits(first.to_bits() + 1))
}

/// A domain in which both flips are over.
fn flipped() -> (Domain, Handle, Handle) {
    let (domain, whole, number) = domain(SECOND_FLIP);
    drop(domain.advance_era(|_| domain.set_floor(Kind::of::<Whole>(), FIRST_FLIP)).unwrap());
    drop(domain.advance_era(|_| domain.set_floor(Kind::of::<Seen>(), SECOND_FLIP)).unwrap());
    (domain, whole, number)
}

/// If the number is there it stays what it is as long as the reference lasts.
fn look_twice(s: &Snapshot<'_>, number: Handle, other: Handle) {
    if let Ok(seen) = s.get::<Seen>(number) {
        assert_eq!(seen.get(), 7);
        // A step for others to come between.
        let _ = s.version(other);
        assert_eq!(seen.get(), 7, "a value was moved under a reference");
    }
}

/// Law 4: after both flips nobody sees what is from before the second one.
#[test]
fn look_against_creation_at_a_past_instant() {
    model_within(2, || {
        let (domain, whole, number) = flipped();
        let reader = thread::spawn({
            let domain = domain.clone();
            move || {
                domain.snapshot(|s| {
                    assert!(s.get::<Seen>(number).is_err(), "it is from before the flip");
                });
                domain.atomically(|tx| {
                    assert!(tx.get::<Seen>(number).is_err(), "it is from before the flip");
                    Ok(())
                });
            }
        });
        domain.touch(whole).unwrap();
        domain.touch(number).unwrap();
        domain.snapshot(|s| s.get::<Grown>(number).map(|_| ()).unwrap());
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}

/// What comes to be is moved at once, by who touches it first.
#[test]
fn look_against_creation_and_succession() {
    model(|| {
        let (domain, whole, number) = flipped();
        let toucher = thread::spawn({
            let domain = domain.clone();
            move || {
                domain.touch(whole).unwrap();
                // Finds out that the second flip is bygone.
                domain.sweep(0..0);
                domain.touch(number).unwrap();
            }
        });
        domain.snapshot(|s| look_twice(s, number, whole));
        toucher.join().unwrap();
        expect_orderly(&domain);
    });
}

/// A late writer creates it, beside a reader of the present; the layer does not keep writers back
/// when it is told of that, as it should.
#[test]
fn look_against_late_creation() {
    model(|| {
        let (domain, other, number) = domain(FIRST_FLIP);
        let (begun, is_begun) = channel();
        let (flipped, is_flipped) = channel();
        let writer = thread::spawn({
            let domain = domain.clone();
            move || {
                domain.atomically(|tx| {
                    tx.create(Seen::new(7));
                    if tx.at() < FIRST_FLIP {
                        begun.send(()).unwrap();
                        is_flipped.recv().unwrap();
                    }
                    Ok(())
                });
                let _ = domain.touch(number);
            }
        });
        is_begun.recv().unwrap();
        drop(domain.advance_era(|_| domain.set_floor(Kind::of::<Seen>(), FIRST_FLIP)).unwrap());
        flipped.send(()).unwrap();
        domain.snapshot(|s| look_twice(s, number, other));
        writer.join().unwrap();
        expect_orderly(&domain);
    });
}
