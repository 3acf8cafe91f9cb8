//! Events and statistics tell the same story: whatever many threads do to each other, the events
//! add up to the numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use upgradable_stm::{AbortCause, Event, Handle, Stop, TVar};

use super::*;

const CAUSES: [AbortCause; 8] = [
    AbortCause::Changed,
    AbortCause::Locked,
    AbortCause::Deleted,
    AbortCause::EraOver,
    AbortCause::Retry,
    AbortCause::Cancelled,
    AbortCause::Panicked,
    AbortCause::Refused,
];

/// Something of everything: contended counters, objects that come and go, held snapshots that are
/// read late, queues that are waited for, cancelled parts, a new era now and then.
fn commotion(domain: &Domain, snapshots: &AtomicU64) {
    let counters: Vec<TVar<u32>> = (0..4).map(|_| domain.tvar(0)).collect();
    let place: TVar<Option<Handle>> = domain.tvar(None);
    let count = || snapshots.fetch_add(1, Ordering::Relaxed);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for round in 0..300 {
                    domain.atomically(|tx| {
                        let sum: u32 = counters.iter().map(|counter| *tx.read(counter)).sum();
                        thread::yield_now();
                        tx.modify(&counters[round % 4], |n| *n += 1 + sum % 2);
                        Ok(())
                    });
                    let _ = domain.try_atomically(|tx| {
                        tx.write(&counters[0], 0);
                        Err::<(), _>(Stop::Cancel(()))
                    });
                }
            });
        }
        scope.spawn(|| {
            for round in 0..100 {
                let held = domain.hold();
                // Until something has changed, or all is done.
                for _ in 0..1000 {
                    if domain.now() > held.at() {
                        break;
                    }
                    thread::yield_now();
                }
                for _ in 0..2 {
                    held.read(|s| counters.iter().map(|counter| *s.read(counter)).sum::<u32>());
                    count();
                }
                if round % 25 == 0 {
                    drop(domain.advance_era(|_| {}).unwrap());
                }
            }
        });
        scope.spawn(|| {
            for n in 0..200_u64 {
                domain.atomically(|tx| {
                    tx.check(tx.read(&place).is_none())?;
                    let name = tx.create(n);
                    Ok(tx.write(&place, Some(name)))
                });
            }
        });
        for _ in 0..200 {
            let name = domain.atomically(|tx| {
                let name = tx.read(&place).ok_or_else(|| tx.retry())?;
                tx.write(&place, None);
                Ok(name)
            });
            domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        }
    });
    domain.reclaim();
}

#[test]
fn the_events_add_up_to_the_statistics() {
    watched(|| {
        let (builder, seen) = observing();
        let domain = builder.build().unwrap();
        let snapshots = AtomicU64::new(0);
        commotion(&domain, &snapshots);

        let stats = domain.stats();
        let events = events(&seen);
        let sum = |of: &dyn Fn(&Event) -> Option<usize>| {
            events.iter().filter_map(of).map(|n| n as u64).sum::<u64>()
        };
        let number = |of: &dyn Fn(&Event) -> bool| sum(&|event| of(event).then_some(1));

        assert_eq!(number(&|e| matches!(e, Event::Committed { .. })), stats.commits);
        let written =
            |e: &Event| if let Event::Committed { writes, .. } = e { Some(*writes) } else { None };
        assert_eq!(sum(&written), stats.written);
        for cause in CAUSES {
            let is_it = |e: &Event| *e == Event::Aborted { cause };
            assert_eq!(number(&is_it), stats.aborts(cause), "{cause:?}");
        }
        let past = |e: &Event| if let Event::Walked { past } = e { Some(*past) } else { None };
        assert_eq!(number(&|e| past(e).is_some()), stats.walks);
        let longest = events.iter().filter_map(past).max().unwrap_or(0);
        assert_eq!(longest as u64, stats.longest_walk);
        assert_eq!(number(&|e| matches!(e, Event::Privileged { .. })), stats.privileged);
        assert_eq!(number(&|e| *e == Event::MadeWay), stats.made_way);
        // Some of those who meant to sleep found that something had changed already.
        let slept = number(&|e| matches!(e, Event::Blocked { .. }));
        assert!(slept <= stats.blocked && stats.blocked == stats.aborts(AbortCause::Retry));
        assert_eq!(number(&|e| *e == Event::Woken), slept, "nobody has a deadline");
        let retired =
            |e: &Event| if let Event::Retired { versions } = e { Some(*versions) } else { None };
        assert_eq!(sum(&retired), stats.retired);
        let reclaimed =
            |e: &Event| if let Event::Reclaimed { versions } = e { Some(*versions) } else { None };
        assert_eq!(sum(&reclaimed), stats.reclaimed);
        assert_eq!(stats.retired, stats.reclaimed, "nobody is left who sees anything");
        assert_eq!(number(&|e| matches!(e, Event::EraAdvanced { .. })), 4);
        assert_eq!(stats.snapshots, snapshots.load(Ordering::Relaxed));

        // And something has happened.
        assert_eq!(stats.aborts(AbortCause::Cancelled), 600);
        assert!(stats.commits >= 1200 && stats.retired > 1000, "{stats:?}");
        assert!(stats.walks > 0, "{stats:?}");
    });
}
