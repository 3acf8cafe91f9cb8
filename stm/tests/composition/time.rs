//! Eras, and the end of time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use upgradable_stm::layer::{Layer, Written};
use upgradable_stm::{
    AbortCause, CommitTs, Domain, Era, EraExhausted, Kind, Seq, Stop, TVar, TxError,
};

use super::{Script, panic_of, watched};

fn era(number: u16) -> Era {
    Era::new(number).unwrap()
}

fn domain_at(era: Era, seq: u64) -> Domain {
    let start = CommitTs::new(era, Seq::new(seq).unwrap());
    Domain::builder().starting_at(start).build().unwrap()
}

/// The sequence number from which on the domain moves to a new era: the distance to the last one
/// is room for commits under way.
const SEQUENCE_END: u64 = Seq::MAX.get() - (1 << 32);

fn increment(domain: &Domain, x: &TVar<u32>) -> Result<CommitTs, TxError<()>> {
    let run = domain.transaction().run(|tx| Ok::<_, Stop<()>>(tx.modify(x, |n| *n += 1)));
    run.map(|committed| committed.ts)
}

#[test]
fn an_era_that_is_over_runs_no_more_of_its_transactions() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let run = |in_era| {
        let update = |tx: &upgradable_stm::Tx<'_>| Ok::<_, Stop<()>>(tx.modify(&x, |n| *n += 1));
        domain.transaction().era(in_era).run(update).map(|committed| committed.ts.era())
    };
    assert_eq!(run(era(0)), Ok(era(0)));
    assert_eq!(run(era(1)), Err(TxError::EraOver));
    domain.advance_era(|_| {}).unwrap();
    assert_eq!(run(era(0)), Err(TxError::EraOver));
    assert_eq!(run(era(1)), Ok(era(1)));
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 2);
}

#[test]
fn a_transaction_of_one_era_does_not_go_on_in_the_next() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let mut runs = 0;
    let outcome = domain.transaction().era(Era::FIRST).run(|tx| {
        runs += 1;
        tx.write(&x, 1);
        domain.advance_era(|_| {}).unwrap();
        Ok::<_, Stop<()>>(())
    });
    assert_eq!((outcome.unwrap_err(), runs), (TxError::EraOver, 1));
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 0);
}

#[test]
fn a_transaction_is_executed_again_in_the_new_era() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let mut eras = Vec::new();
    let committed = domain.transaction().run(|tx| {
        eras.push(tx.at().era());
        if eras.len() == 1 {
            domain.advance_era(|_| {}).unwrap();
        }
        Ok::<_, Stop<()>>(tx.modify(&x, |n| *n += 1))
    });
    let committed = committed.unwrap();
    assert_eq!(eras, [era(0), era(1)]);
    assert_eq!((committed.ts.era(), committed.conflicts), (era(1), 1));
    assert_eq!(domain.stats().aborts(AbortCause::EraOver), 1);
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 1);
}

#[test]
fn who_only_reads_does_not_notice_a_new_era() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    domain.snapshot(|s| {
        domain.advance_era(|_| {}).unwrap();
        increment(&domain, &x).unwrap();
        assert_eq!((*s.read(&x), s.at().era()), (0, era(0)));
    });
    let read = domain.transaction().run(|tx| {
        domain.advance_era(|_| {}).unwrap();
        increment_elsewhere(&domain, &x);
        Ok::<_, Stop<()>>(*tx.read(&x))
    });
    assert_eq!(read.map(|committed| (committed.value, committed.conflicts)), Ok((1, 0)));
}

fn increment_elsewhere(domain: &Domain, x: &TVar<u32>) {
    thread::scope(|scope| {
        scope.spawn(|| increment(domain, x).unwrap());
    });
}

#[test]
fn the_last_instant_of_an_era_stays_readable() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    increment(&domain, &x).unwrap();
    let advance = domain.advance_era(|next| assert_eq!(next, era(1))).unwrap();
    for _ in 0..1000 {
        increment(&domain, &x).unwrap();
    }
    assert_eq!(advance.flip, CommitTs::new(era(1), Seq::ZERO));
    assert!(advance.before.at() < advance.flip);
    assert_eq!(advance.before.read(|s| *s.read(&x)), 1);
    drop(advance);
    domain.reclaim();
    assert_eq!(domain.versions(&x), 1);
}

#[test]
fn eras_advance_beside_writers() {
    const EACH: u64 = 5_000;
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let newest = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = CommitTs::ZERO;
                    for _ in 0..EACH {
                        let at_least = newest.load(Ordering::Acquire);
                        let ts = increment(&domain, &x).unwrap();
                        assert!(ts > last && ts.to_bits() > at_least);
                        assert_ne!(ts.seq(), Seq::ZERO, "that is the flip's");
                        last = ts;
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..200 {
                    let advance = domain.advance_era(|_| {}).unwrap();
                    newest.store(advance.flip.to_bits(), Ordering::Release);
                    // The last instant of the old era does not change any more.
                    let seen = advance.before.read(|s| *s.read(&x));
                    thread::yield_now();
                    assert_eq!(advance.before.read(|s| *s.read(&x)), seen);
                }
            });
        });
        assert_eq!(domain.snapshot(|s| u64::from(*s.read(&x))), 2 * EACH);
        assert_eq!(domain.now().era(), era(200));
    });
}

#[test]
fn a_sequence_that_runs_out_begins_a_new_era() {
    let rolled = Arc::new(Mutex::new(Vec::new()));
    #[derive(Debug)]
    struct Listens(Arc<Mutex<Vec<Era>>>);
    impl Layer for Listens {
        fn era_rolls(&self, era: Era) {
            self.0.lock().unwrap().push(era);
        }
    }
    let start = CommitTs::new(era(5), Seq::new(SEQUENCE_END - 3).unwrap());
    let layer = Listens(Arc::clone(&rolled));
    let domain = Domain::builder().starting_at(start).layer(layer).build().unwrap();
    let x = domain.tvar(0);
    let stamps: Vec<_> = (0..10).map(|_| increment(&domain, &x).unwrap()).collect();
    assert!(stamps.is_sorted_by(|a, b| a < b));
    assert_eq!((stamps[0].era(), stamps[9].era()), (era(5), era(6)));
    assert_eq!(*rolled.lock().unwrap(), [era(6)]);
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 10);
}

#[test]
fn many_threads_may_run_into_the_end_of_a_sequence() {
    const EACH: u32 = 200;
    watched(|| {
        let domain = domain_at(era(5), SEQUENCE_END - 100);
        let x = domain.tvar(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert!((0..EACH).all(|_| increment(&domain, &x).is_ok())));
            }
        });
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 4 * EACH);
        assert_eq!(domain.now().era(), era(6));
    });
}

#[test]
fn at_the_end_of_all_eras_nothing_is_written_any_more() {
    let domain = domain_at(Era::LAST, SEQUENCE_END - 3);
    let x = domain.tvar(0);
    let stamps: Vec<_> = (0..10).map(|_| increment(&domain, &x)).collect();
    let written = stamps.iter().filter(|ts| ts.is_ok()).count();
    assert!((1..10).contains(&written));
    assert!(stamps[written..].iter().all(|ts| *ts == Err(TxError::ClockExhausted)));
    assert_eq!(domain.snapshot(|s| *s.read(&x)), written as u32, "reading goes on");
    assert_eq!(domain.atomically(|tx| Ok(*tx.read(&x))), written as u32);
    let panic = panic_of(|| domain.atomically(|tx| Ok(tx.write(&x, 0))));
    assert!(panic.contains("all commit timestamps"), "{panic}");
    assert!(domain.now() < CommitTs::new(Era::LAST, Seq::MAX));
}

#[test]
fn at_the_end_of_all_eras_memory_is_still_given_back() {
    let census = super::Census::default();
    let domain = domain_at(Era::LAST, SEQUENCE_END);
    let vars: Vec<_> = (0..300).map(|n| domain.tvar(census.count(n))).collect();
    drop(vars);
    domain.reclaim();
    assert_eq!(census.alive(), 0);
}

#[test]
fn the_last_era_has_no_next() {
    let domain = domain_at(Era::LAST, 0);
    let refused = domain.advance_era(|_| panic!("there is nothing to prepare"));
    assert_eq!(refused.unwrap_err(), EraExhausted);
    assert!(EraExhausted.to_string().contains("last era"));
    let x = domain.tvar(0);
    assert!(increment(&domain, &x).is_ok());
}

/// Lets a transaction commit late, or not, and notes what it was asked.
#[derive(Debug)]
struct Judge {
    admits: bool,
    asked: Arc<Mutex<Vec<Written>>>,
}

impl Layer for Judge {
    fn admits_late(&self, era: Era, written: &[Written]) -> bool {
        assert_eq!(era, Era::FIRST);
        self.asked.lock().unwrap().extend(written);
        self.admits
    }
}

fn judged_by(admits: bool) -> (Domain, Arc<Mutex<Vec<Written>>>) {
    let asked = Arc::<Mutex<Vec<Written>>>::default();
    let judge = Judge { admits, asked: Arc::clone(&asked) };
    (Domain::builder().layer(judge).build().unwrap(), asked)
}

#[test]
fn a_late_commit_is_the_last_of_its_era() {
    let (domain, asked) = judged_by(true);
    let (x, y) = (domain.tvar(0_u32), domain.tvar(0_u32));
    let early = increment(&domain, &x).unwrap();
    let mut advance = None;
    let committed = domain.transaction().run(|tx| {
        advance = Some(domain.advance_era(|_| {}).unwrap());
        tx.create('a');
        Ok::<_, Stop<()>>(tx.write(&x, *tx.read(&y) + 7))
    });
    let (committed, advance) = (committed.unwrap(), advance.unwrap());
    assert_eq!(committed.ts, CommitTs::new(Era::FIRST, Seq::MAX));
    assert_eq!(committed.conflicts, 0);
    assert_eq!(advance.before.at(), committed.ts, "which includes it");
    assert_eq!(advance.before.read(|s| *s.read(&x)), 7);
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 7);
    let mut asked = asked.lock().unwrap().clone();
    asked.sort_by_key(|written| written.newest.is_none());
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].newest, Some((Kind::of::<u32>(), early)));
    assert_eq!((asked[0].kind, asked[1].kind), (Kind::of::<u32>(), Kind::of::<char>()));
    assert_eq!(asked[1].newest, None, "created");
}

#[test]
fn a_late_commit_can_be_refused() {
    let (domain, asked) = judged_by(false);
    let x = domain.tvar(0_u32);
    let mut run = 0;
    let committed = domain.transaction().run(|tx| {
        run += 1;
        if run == 1 {
            domain.advance_era(|_| {}).unwrap();
        }
        Ok::<_, Stop<()>>(tx.modify(&x, |n| *n += 1))
    });
    let committed = committed.unwrap();
    assert_eq!((committed.ts.era(), committed.conflicts), (era(1), 1));
    assert_eq!(asked.lock().unwrap().len(), 1);
}

/// What it has read must be what is newest at the end of its era; what came in the next one does
/// not matter, as long as that end is held.
#[test]
fn a_late_commit_has_read_the_newest_of_its_era() {
    watched(|| {
        for in_next_era in [false, true] {
            let (domain, _) = judged_by(true);
            let (x, y) = (domain.tvar(0), domain.tvar(0_u32));
            let (script, mut end) = (Script::default(), None);
            thread::scope(|scope| {
                let late = scope.spawn(|| {
                    let mut run = 0;
                    let committed = domain.transaction().run(|tx| {
                        run += 1;
                        let seen = script.first(run, 0, || *tx.read(&x));
                        script.first(run, 2, || ());
                        Ok::<_, Stop<()>>(tx.write(&y, seen + 10))
                    });
                    committed.unwrap().ts.era()
                });
                script.at(1, || {
                    if in_next_era {
                        end = Some(domain.advance_era(|_| {}).unwrap());
                    }
                    increment(&domain, &x).unwrap();
                    if !in_next_era {
                        end = Some(domain.advance_era(|_| {}).unwrap());
                    }
                });
                let expected = if in_next_era { (era(0), 10) } else { (era(1), 11) };
                let era = late.join().unwrap();
                assert_eq!((era, domain.snapshot(|s| *s.read(&y))), expected);
            });
            drop(end);
        }
    });
}

#[test]
fn a_version_put_at_the_flip_is_seen_from_there_on() {
    let domain = Domain::new();
    let name = domain.atomically(|tx| Ok(tx.create(1_u32)));
    let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
    let advance = domain.advance_era(|_| {}).unwrap();
    domain.install(name, over, advance.flip, String::from("one")).unwrap();
    advance.before.read(|s| assert_eq!(s.get::<u32>(name), Ok(&1)));
    domain.snapshot(|s| {
        assert_eq!(s.get::<String>(name).unwrap(), "one");
        assert_eq!(s.version(name).unwrap().stamp, advance.flip);
    });
    domain.atomically(|tx| Ok(tx.update(name, |text: &mut String| text.push('!')))).unwrap();
    assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).unwrap(), "one!");
}

#[test]
fn a_version_is_put_over_the_one_it_is_meant_for_or_not_at_all() {
    let domain = Domain::new();
    let name = domain.atomically(|tx| Ok(tx.create(1_u32)));
    let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
    let advance = domain.advance_era(|_| {}).unwrap();
    let later = CommitTs::new(era(1), Seq::new(5).unwrap());
    let refused = [
        domain.install(name, CommitTs::ZERO, advance.flip, 2_u32), // over none there is
        domain.install(name, over, later, 2_u32),                  // in the future
        domain.install(name, advance.flip, over, 2_u32),           // below the one it is over
    ];
    assert!(refused.into_iter().all(|refused| refused.unwrap_err().0 == 2));
    domain.install(name, over, advance.flip, 3_u32).unwrap();
    assert_eq!(domain.install(name, over, advance.flip, 4_u32).unwrap_err().0, 4, "twice");
    domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    let tombstone = domain.now();
    assert_eq!(domain.install(name, tombstone, tombstone, 5_u32).unwrap_err().0, 5, "deleted");
}
