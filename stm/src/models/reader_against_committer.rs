//! What a read-only transaction sees is one instant, also of objects being written meanwhile.

use loom::thread;

use super::{Seen, expect_orderly, model, model_within};
use crate::domain::Domain;

#[test]
fn reader_against_committer() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let writer = thread::spawn({
            let (domain, x, y) = (domain.clone(), x.clone(), y.clone());
            move || {
                domain.atomically(|tx| {
                    tx.write(&x, Seen::new(1));
                    tx.write(&y, Seen::new(1));
                    Ok(())
                });
            }
        });
        let (at, x_seen, y_seen) =
            domain.snapshot(|s| (s.at(), s.read(&x).get(), s.read(&y).get()));
        assert_eq!(x_seen, y_seen, "half of a commit was seen");
        assert_eq!(u64::from(x_seen), at.to_bits(), "not what is committed at the snapshot");
        writer.join().unwrap();
        assert_eq!(domain.snapshot(|s| (s.read(&x).get(), s.read(&y).get())), (1, 1));
        expect_orderly(&domain);
    });
}

/// Two writers: what is seen is the last commit at or before the snapshot, whole. Three threads:
/// with one preemption five seconds, with two (`LOOM_MAX_PREEMPTIONS=2`) five minutes.
#[test]
fn reader_against_two_committers() {
    model_within(1, || {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let writers = [1, 10].map(|step| {
            let (domain, x, y) = (domain.clone(), x.clone(), y.clone());
            thread::spawn(move || {
                domain.atomically(|tx| {
                    let next = tx.read(&x).get() + step;
                    tx.write(&x, Seen::new(next));
                    tx.write(&y, Seen::new(next));
                    Ok(())
                });
            })
        });
        let (x_seen, y_seen) = domain.snapshot(|s| (s.read(&x).get(), s.read(&y).get()));
        assert_eq!(x_seen, y_seen, "half of a commit was seen");
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(domain.snapshot(|s| (s.read(&x).get(), s.read(&y).get())), (11, 11));
        expect_orderly(&domain);
    });
}
