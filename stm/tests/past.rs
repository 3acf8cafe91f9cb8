//! Versions put at past instants: by a layer's install, and by late commits.
//!
//! The story: the rule "a version goes when no live snapshot lies between its stamp and that of
//! the next one" is not enough where the next one is stamped in the past. A transaction whose
//! snapshot is later than both may have read the old version just before, and hold a reference to
//! it. An early form of the core freed the value under that reference.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use upgradable_stm::layer::{Layer, Written};
use upgradable_stm::{Domain, Era, Handle, TVar};

/// A value that shows whether it has been dropped.
#[derive(Clone)]
struct Witness {
    number: u32,
    drops: Arc<AtomicUsize>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
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
    let drops = Arc::new(AtomicUsize::new(0));
    let name: Handle =
        domain.atomically(|tx| Ok(tx.create(Witness { number: 1, drops: Arc::clone(&drops) })));
    let flip = domain.advance_era(|_| {}).unwrap().flip;
    churn(&domain);
    domain.snapshot(|s| {
        let seen = s.get::<Witness>(name).unwrap();
        let over = s.version(name).unwrap().stamp;
        domain.install(name, over, flip, String::from("two")).unwrap();
        churn(&domain);
        assert_eq!(drops.load(Ordering::Relaxed), 0, "freed under the reader's reference");
        assert_eq!(seen.number, 1);
    });
    churn(&domain);
    assert_eq!(drops.load(Ordering::Relaxed), 1, "and reclaimed when nobody can see it");
    assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).unwrap(), "two");
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
fn a_reader_across_a_late_commit_keeps_its_reference() {
    let domain = Domain::builder().layer(Lenient).build().unwrap();
    let drops = Arc::new(AtomicUsize::new(0));
    let witness = |number| Witness { number, drops: Arc::clone(&drops) };
    let var: TVar<Witness> = domain.tvar(witness(1));
    std::thread::scope(|scope| {
        let (to_writer, writer_goes) = std::sync::mpsc::channel();
        let (to_reader, reader_goes) = std::sync::mpsc::channel();
        let (domain, var) = (&domain, &var);
        let new = witness(2);
        let writer = scope.spawn(move || {
            let committed = domain.transaction().run(|tx| {
                if tx.at().era() == Era::FIRST {
                    to_reader.send(()).unwrap();
                    writer_goes.recv().unwrap();
                }
                tx.write(var, new.clone());
                Ok::<_, upgradable_stm::Stop<()>>(())
            });
            committed.unwrap().ts
        });
        reader_goes.recv().unwrap();
        domain.advance_era(|_| {}).unwrap();
        churn(domain);
        domain.snapshot(|s| {
            let seen = s.read(var);
            to_writer.send(()).unwrap();
            let ts = writer.join().unwrap();
            assert!(ts < s.at(), "it committed late, below the reader's snapshot");
            let dropped = drops.load(Ordering::Relaxed);
            churn(domain);
            assert_eq!(drops.load(Ordering::Relaxed), dropped, "freed under the reader");
            assert_eq!(seen.number, 1);
        });
    });
}
