//! Versions put at past instants: by a layer's install, and by late commits.
//!
//! The story: the rule "a version goes when no live snapshot lies between its stamp and that of
//! the next one" is not enough where the next one is stamped in the past. A transaction whose
//! snapshot is later than both may have read the old version just before, and hold a reference to
//! it. An early form of the core freed the value under that reference.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use upgradable_stm::layer::{Layer, Written};
use upgradable_stm::{Domain, Era, Handle, Stop, TVar};

/// A value that tells when it is dropped.
struct Witness(Arc<AtomicBool>);

impl Witness {
    fn new() -> (Self, Arc<AtomicBool>) {
        let gone = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&gone)), gone)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn churn(domain: &Domain) {
    let var = domain.tvar(0);
    for n in 0..2_000 {
        domain.atomically(|tx| Ok(tx.write(&var, n)));
    }
    domain.reclaim();
    domain.reclaim();
}

#[test]
fn what_was_read_before_an_install_at_a_past_instant_stays_until_the_reader_ends() {
    let domain = Domain::new();
    let (witness, gone) = Witness::new();
    let mut witness = Some(witness);
    let name: Handle =
        domain.atomically(|tx| Ok(tx.create(witness.take().expect("nobody conflicts"))));
    let flip = domain.advance_era(|_| {}).unwrap().flip;
    churn(&domain);
    domain.snapshot(|s| {
        s.get::<Witness>(name).unwrap();
        let over = s.version(name).unwrap().stamp;
        domain.install(name, over, flip, String::from("one and a half")).unwrap();
        // A version that nobody sees makes the chain worth trimming: that must spare the first.
        for next in ["one and three quarters", "two"] {
            domain.atomically(|tx| Ok(tx.put(name, String::from(next)))).unwrap();
        }
        churn(&domain);
        assert!(!gone.load(Ordering::Relaxed), "freed under the reader's reference");
    });
    churn(&domain);
    assert!(gone.load(Ordering::Relaxed), "reclaimed when nobody can see it");
    assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).unwrap(), "two");
}

/// Who puts a version there does not tick; whoever cleans up does, for all that were put there
/// since. Without, the end of what lies below would be the very instant at which the reader reads.
#[test]
fn what_was_read_before_an_install_stays_although_nobody_has_committed_since() {
    let domain = Domain::new();
    let (witness, gone) = Witness::new();
    let mut witness = Some(witness);
    let name: Handle =
        domain.atomically(|tx| Ok(tx.create(witness.take().expect("nobody conflicts"))));
    let flip = domain.advance_era(|_| {}).unwrap().flip;
    domain.snapshot(|s| {
        s.get::<Witness>(name).unwrap();
        let over = s.version(name).unwrap().stamp;
        domain.install(name, over, flip, String::from("one and a half")).unwrap();
        for _ in 0..4 {
            domain.reclaim();
        }
        assert!(!gone.load(Ordering::Relaxed), "freed under the reader's reference");
    });
    for _ in 0..4 {
        domain.reclaim();
    }
    assert!(gone.load(Ordering::Relaxed), "reclaimed when nobody can see it");
}

/// Lets everything commit late.
#[derive(Debug)]
struct Lenient;

impl Layer for Lenient {
    fn admits_late(&self, _: Era, _: &[Written]) -> bool {
        true
    }
}

#[test]
fn what_was_read_before_a_late_commit_stays_until_the_reader_ends() {
    let domain = Domain::builder().layer(Lenient).build().unwrap();
    let (witness, gone) = Witness::new();
    let var: TVar<Witness> = domain.tvar(witness);
    thread::scope(|scope| {
        let (to_writer, writer_goes) = mpsc::channel();
        let (to_reader, reader_goes) = mpsc::channel();
        let (domain, var) = (&domain, &var);
        let writer = scope.spawn(move || {
            let committed = domain.transaction().run(|tx| {
                to_reader.send(()).unwrap();
                writer_goes.recv().unwrap();
                tx.write(var, Witness::new().0);
                Ok::<_, Stop<()>>(())
            });
            committed.unwrap().ts
        });
        reader_goes.recv().unwrap();
        domain.advance_era(|_| {}).unwrap();
        churn(domain);
        domain.snapshot(|s| {
            s.read(var);
            to_writer.send(()).unwrap();
            let ts = writer.join().unwrap();
            assert!(ts < s.at(), "it committed late, below the reader's snapshot");
            // A version that nobody sees makes the chain worth trimming: that must spare the first.
            for _ in 0..2 {
                domain.atomically(|tx| Ok(tx.write(var, Witness::new().0)));
            }
            churn(domain);
            assert!(!gone.load(Ordering::Relaxed), "freed under the reader's reference");
        });
        churn(domain);
        assert!(gone.load(Ordering::Relaxed), "reclaimed when nobody can see it");
    });
}
