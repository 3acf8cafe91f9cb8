//! Observing: events say what happens, where it happens, and statistics add it up.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use upgradable_stm::{AbortCause, CommitTs, Domain, DomainBuilder, Era, Event, Seq, Stop, TVar};

#[path = "observing/agreement.rs"]
mod agreement;
#[path = "observing/waits.rs"]
mod waits;
#[path = "common/watchdog.rs"]
mod watchdog;

use watchdog::watched;

type Seen = Arc<Mutex<Vec<(ThreadId, Event)>>>;

/// For a domain whose events are written down.
fn observing() -> (DomainBuilder, Seen) {
    let seen = Seen::default();
    let sink = Arc::clone(&seen);
    let builder = Domain::builder().statistics(true);
    let observer = move |event: &Event| {
        // Also when a test fails that looks at them.
        let mut events = sink.lock().unwrap_or_else(PoisonError::into_inner);
        events.push((thread::current().id(), *event));
    };
    (builder.observer(observer), seen)
}

fn observed() -> (Domain, Seen) {
    let (builder, seen) = observing();
    (builder.build().unwrap(), seen)
}

/// What has been seen since the last time.
fn events(seen: &Seen) -> Vec<Event> {
    std::mem::take(&mut *seen.lock().unwrap()).into_iter().map(|(_, event)| event).collect()
}

fn interfere(domain: &Domain, x: &TVar<u32>) {
    thread::scope(|scope| {
        scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(x, |n| *n += 1))));
    });
}

#[test]
fn a_commit_says_when_and_how_much() {
    let (domain, seen) = observed();
    let vars = [(); 5].map(|()| domain.tvar(0));
    domain.atomically(|tx| {
        let sum: i32 = vars.iter().map(|var| tx.read(var)).sum();
        tx.read(&vars[0]);
        tx.write(&vars[0], sum);
        tx.write(&vars[0], sum);
        tx.create(sum);
        Ok(())
    });
    let ts = domain.now();
    assert_eq!(events(&seen), [Event::Committed { ts, reads: 6, writes: 2 }]);
}

#[test]
fn who_writes_nothing_is_no_event() {
    let (domain, seen) = observed();
    let x = domain.tvar(0);
    domain.snapshot(|s| *s.read(&x));
    domain.atomically(|tx| Ok(*tx.read(&x)));
    domain.hold().read(|s| *s.read(&x));
    assert_eq!(events(&seen), []);
}

#[test]
fn each_lost_attempt_says_why() {
    let (domain, seen) = observed();
    let x = domain.tvar(0);
    let mut run = 0;
    domain.atomically(|tx| {
        run += 1;
        let n = *tx.read(&x);
        match run {
            1 => interfere(&domain, &x),
            2 => drop(domain.advance_era(|_| {}).unwrap()),
            _ => {}
        }
        Ok(tx.write(&x, n))
    });
    let causes: Vec<AbortCause> = events(&seen)
        .into_iter()
        .filter_map(|event| if let Event::Aborted { cause } = event { Some(cause) } else { None })
        .collect();
    assert_eq!(causes, [AbortCause::Changed, AbortCause::EraOver]);
    assert!(causes.iter().all(|cause| cause.is_transient()));
}

#[test]
fn a_blind_write_to_what_is_deleted_meanwhile_says_why_it_lost() {
    let (domain, seen) = observed();
    let name = domain.atomically(|tx| Ok(tx.create(1_u32)));
    let mut run = 0;
    domain.atomically(|tx| {
        run += 1;
        let put = tx.put(name, 2_u32);
        assert_eq!(put.is_ok(), run == 1);
        if run == 1 {
            thread::scope(|scope| {
                scope.spawn(|| domain.atomically(|tx| Ok(tx.delete(name))).unwrap());
            });
        }
        Ok(())
    });
    assert_eq!(run, 2);
    assert!(events(&seen).contains(&Event::Aborted { cause: AbortCause::Deleted }));
    assert_eq!(domain.stats().aborts(AbortCause::Deleted), 1);
    assert_eq!(domain.stats().conflicts(), 1);
}

#[test]
fn a_transaction_that_ends_without_commit_says_why() {
    let (domain, seen) = observed();
    let x = domain.tvar(0_u32);
    let aborted = |cause| [Event::Aborted { cause }];
    let _ = domain.try_atomically(|_| Err::<(), _>(Stop::Cancel(())));
    assert_eq!(events(&seen), aborted(AbortCause::Cancelled));
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        domain.atomically(|_| if true { panic!("on purpose") } else { Ok(()) });
    }));
    assert_eq!(events(&seen), aborted(AbortCause::Panicked));
    let _ = domain.try_atomically(|tx| Err::<(), Stop<()>>(tx.retry().into()));
    assert_eq!(events(&seen), aborted(AbortCause::Refused));
    let _ = domain.try_atomically::<_, ()>(|tx| {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            tx.modify(&x, |_| panic!("on purpose"));
        }));
        Ok(())
    });
    assert_eq!(events(&seen), aborted(AbortCause::Refused));
    let stats = domain.stats();
    let causes = [AbortCause::Cancelled, AbortCause::Panicked, AbortCause::Refused];
    assert_eq!(causes.map(|cause| stats.aborts(cause)), [1, 1, 2]);
    assert!(!causes.iter().any(|cause| cause.is_transient()));
    assert_eq!(stats.conflicts(), 0);
}

#[test]
fn blocking_and_waking_are_told() {
    watched(|| {
        let (domain, seen) = observed();
        let vars = [(); 3].map(|()| domain.tvar(0));
        thread::scope(|scope| {
            let blocked = scope.spawn(|| {
                domain.atomically(|tx| tx.check(vars.iter().any(|var| *tx.read(var) > 0)));
                thread::current().id()
            });
            // From then on it is woken, whether or not it sleeps already.
            let sleeps = |(_, event): &(_, Event)| matches!(event, Event::Blocked { .. });
            while !seen.lock().unwrap().iter().any(sleeps) {
                thread::yield_now();
            }
            domain.atomically(|tx| Ok(tx.write(&vars[2], 1)));
            let sleeper = blocked.join().unwrap();
            let told = seen.lock().unwrap();
            let told = told.iter().filter(|(on, _)| *on == sleeper).map(|(_, event)| *event);
            let aborted = Event::Aborted { cause: AbortCause::Retry };
            let told: Vec<Event> = told.collect();
            assert_eq!(told, [aborted, Event::Blocked { watched: 3 }, Event::Woken]);
        });
        assert_eq!(domain.stats().blocked, 1);
    });
}

#[test]
fn an_object_read_twice_is_watched_once() {
    let (domain, seen) = observed();
    let x = domain.tvar(0);
    let _ = domain.transaction().timeout(Duration::from_millis(1)).run(|tx| {
        tx.check(*tx.read(&x) + *tx.read(&x) > 0)?;
        Ok::<_, Stop<()>>(())
    });
    let aborted = Event::Aborted { cause: AbortCause::Retry };
    // Its time is over: it does not run again.
    assert_eq!(events(&seen), [aborted, Event::Blocked { watched: 1 }]);
}

#[test]
fn precedence_is_told_on_both_sides() {
    watched(|| {
        let (domain, seen) = observed();
        let x = domain.tvar(0);
        let mut run = 0;
        thread::scope(|scope| {
            let mut other = None;
            domain.atomically(|tx| {
                run += 1;
                tx.modify(&x, |n| *n += 1);
                if run <= 12 {
                    interfere(&domain, &x);
                } else if other.is_none() {
                    other = Some(scope.spawn(|| {
                        domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
                        thread::current().id()
                    }));
                    while domain.stats().made_way == 0 {
                        thread::yield_now();
                    }
                }
                Ok(())
            });
            let (me, other) = (thread::current().id(), other.unwrap().join().unwrap());
            let seen = seen.lock().unwrap();
            assert!(seen.contains(&(me, Event::Privileged { conflicts: 12 })));
            assert!(seen.contains(&(other, Event::MadeWay)));
        });
    });
}

#[test]
fn what_is_retired_is_reclaimed_and_both_are_told() {
    let (domain, seen) = observed();
    let x = domain.tvar(0);
    let sums = || {
        events(&seen).into_iter().fold((0, 0), |(retired, reclaimed), event| match event {
            Event::Retired { versions } => (retired + versions, reclaimed),
            Event::Reclaimed { versions } => (retired, reclaimed + versions),
            _ => (retired, reclaimed),
        })
    };
    for n in 0..1000 {
        domain.atomically(|tx| Ok(tx.write(&x, n)));
    }
    let (retired, reclaimed) = sums();
    assert!(reclaimed > 0 && retired >= reclaimed, "most of it on the way");
    domain.reclaim();
    let (more_retired, more_reclaimed) = sums();
    assert_eq!((retired + more_retired, reclaimed + more_reclaimed), (1000, 1000));
    let stats = domain.stats();
    assert_eq!((stats.retired, stats.reclaimed, stats.waiting), (1000, 1000, 0));
}

#[test]
fn a_new_era_is_told_with_its_flip() {
    let (domain, seen) = observed();
    let advance = domain.advance_era(|_| {}).unwrap();
    assert_eq!(events(&seen), [Event::EraAdvanced { flip: advance.flip }]);
}

#[test]
fn an_era_that_rolls_over_is_told_too() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let nearly = Seq::new(Seq::MAX.get() - (1 << 32) - 1).unwrap();
    let domain = Domain::builder()
        .starting_at(CommitTs::new(Era::FIRST, nearly))
        .observer(move |event| sink.lock().unwrap().push(*event))
        .build()
        .unwrap();
    let x = domain.tvar(0);
    domain.atomically(|tx| Ok(tx.write(&x, 1)));
    let flip = CommitTs::new(Era::new(1).unwrap(), Seq::ZERO);
    assert!(seen.lock().unwrap().contains(&Event::EraAdvanced { flip }));
}

#[test]
fn events_come_on_the_thread_that_causes_them() {
    let (domain, seen) = observed();
    let x = domain.tvar(0);
    let there = thread::scope(|scope| {
        let there = scope.spawn(|| {
            domain.atomically(|tx| Ok(tx.write(&x, 1)));
            thread::current().id()
        });
        there.join().unwrap()
    });
    domain.atomically(|tx| Ok(tx.write(&x, 2)));
    let on: Vec<ThreadId> = seen.lock().unwrap().iter().map(|(on, _)| *on).collect();
    assert_eq!(on, [there, thread::current().id()]);
}

#[test]
fn commits_are_told_in_an_order_that_fits_their_timestamps() {
    watched(|| {
        let (domain, seen) = observed();
        let x = domain.tvar(0_u32);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
                    }
                });
            }
        });
        let mut all = Vec::new();
        let mut of_thread = std::collections::HashMap::new();
        for (on, event) in seen.lock().unwrap().iter() {
            if let Event::Committed { ts, .. } = event {
                all.push(*ts);
                let before = of_thread.insert(*on, *ts);
                assert!(before.is_none_or(|before| before < *ts));
            }
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1500, "each has a timestamp of its own");
        assert_eq!(domain.stats().commits, 1500);
    });
}

#[test]
fn statistics_count_what_is_asked_for() {
    let (with, without) = (Domain::builder().statistics(true).build().unwrap(), Domain::new());
    let of = |domain: &Domain| {
        let [x, y] = [(); 2].map(|()| domain.tvar(0));
        for _ in 0..3 {
            domain.atomically(|tx| {
                tx.write(&x, 1);
                Ok(tx.write(&y, 1))
            });
        }
        domain.atomically(|tx| Ok(*tx.read(&x)));
        let _ = domain.try_atomically(|tx| Err::<(), _>(Stop::Cancel(tx.write(&x, 2))));
        domain.snapshot(|s| *s.read(&x));
        domain.hold().read(|s| *s.read(&x));
        let stats = domain.stats();
        assert_eq!(stats.aborts(AbortCause::Cancelled), 1, "always");
        (stats.commits, stats.written, stats.snapshots)
    };
    assert_eq!(of(&with), (3, 6, 2));
    assert_eq!(of(&without), (0, 0, 0));
}

#[test]
fn statistics_add_up_over_threads_that_are_gone() {
    let domain = Domain::builder().statistics(true).build().unwrap();
    let x = domain.tvar(0);
    for _ in 0..5 {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
                    }
                });
            }
        });
    }
    assert_eq!(domain.stats().commits, 150);
}

#[test]
fn live_snapshots_are_counted() {
    let domain = Domain::new();
    let count = || domain.stats().live_snapshots;
    assert_eq!(count(), 0);
    let held = [(); 3].map(|()| domain.hold());
    assert_eq!(count(), 3);
    domain.snapshot(|_| assert_eq!(count(), 4));
    domain.atomically(|_| {
        assert_eq!(count(), 4);
        domain.snapshot(|_| Ok(assert_eq!(count(), 5)))
    });
    let advance = domain.advance_era(|_| {}).unwrap();
    assert_eq!(count(), 4);
    drop((held, advance));
    assert_eq!(count(), 0);
}

#[test]
fn versions_that_wait_are_counted() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let held = domain.hold();
    for n in 0..10 {
        domain.atomically(|tx| Ok(tx.write(&x, n)));
    }
    assert_eq!(domain.stats().waiting, 10);
    domain.reclaim();
    assert_eq!(domain.stats().waiting, 1, "the one that is seen");
    drop(held);
    domain.reclaim();
    assert_eq!(domain.stats().waiting, 0);
}

#[test]
fn a_reader_of_the_past_is_counted_by_how_far_it_goes() {
    let (domain, seen) = observed();
    let (x, y) = (domain.tvar(0), domain.tvar(0));
    let held = domain.hold();
    let later = domain.tvar(0);
    assert_eq!(held.read(|s| *s.read(&x)), 0);
    assert_eq!(domain.stats().walks, 0);
    let between = [(); 5].map(|()| {
        domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
        domain.hold()
    });
    domain.atomically(|tx| Ok(tx.modify(&y, |n| *n += 1)));
    assert_eq!(held.read(|s| (*s.read(&x), *s.read(&y), *s.read(&later))), (0, 0, 0));
    let stats = domain.stats();
    assert_eq!((stats.walks, stats.longest_walk), (2, 5));
    let walked: Vec<Event> =
        events(&seen).into_iter().filter(|event| matches!(event, Event::Walked { .. })).collect();
    assert_eq!(walked, [Event::Walked { past: 5 }, Event::Walked { past: 1 }]);
    drop(between);
}

/// An observer may look at the domain, as long as it begins no transaction.
#[test]
fn an_observer_may_ask_for_the_time() {
    static DOMAIN: OnceLock<Domain> = OnceLock::new();
    let times = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&times);
    let observer = move |event: &Event| {
        if let (Some(domain), Event::Committed { ts, .. }) = (DOMAIN.get(), event) {
            sink.lock().unwrap().push((*ts, domain.now()));
        }
    };
    let domain = DOMAIN.get_or_init(|| Domain::builder().observer(observer).build().unwrap());
    let x = domain.tvar(0);
    for n in 0..500 {
        domain.atomically(|tx| Ok(tx.write(&x, n)));
    }
    let times = times.lock().unwrap();
    assert_eq!(times.len(), 500);
    assert!(times.iter().all(|(committed, now)| committed == now));
}
