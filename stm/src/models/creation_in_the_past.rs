//! An object that comes to be at a past instant, in the slot of one that was deleted after that,
//! does not answer to the name of that one.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::clock::{CommitTs, Era, Seq};
use crate::domain::Domain;
use crate::error::AccessError;
use crate::kind::Kind;
use crate::layer::{Layer, Touch, Touched};

const FLIP: CommitTs = CommitTs::new(Era::FIRST.next().unwrap(), Seq::ZERO);

/// From the flip on a number has another object beside it.
#[derive(Debug)]
struct Splits;

impl Layer for Splits {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        if touch.at() < FLIP {
            return Touched::AsIs;
        }
        touch.create(Seen::new(7));
        let _ = touch.install(FLIP, ());
        Touched::Again
    }
}

#[test]
fn creation_in_the_past_against_reader() {
    model(|| {
        let domain = Domain::builder().layer(Splits).build().unwrap();
        let split = domain.atomically(|tx| Ok(tx.create(1_u8)));
        let name = domain.atomically(|tx| Ok(tx.create(Seen::new(0))));
        let old = domain.advance_era(|_| domain.set_floor(Kind::of::<u8>(), FLIP)).unwrap();
        drop(old);
        let reader = thread::spawn({
            let domain = domain.clone();
            move || {
                domain.snapshot(|s| {
                    let found = s.get::<Seen>(name).map(Seen::get);
                    let expected = [Ok(0), Err(AccessError::Deleted)];
                    assert!(expected.contains(&found), "another object's value");
                });
            }
        });
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        domain.reclaim();
        domain.touch(split).unwrap();
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}
