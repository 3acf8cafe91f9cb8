//! A bounded queue, which blocks when it is full or empty.

use std::collections::{BTreeSet, VecDeque};
use std::thread;
use std::time::Duration;

use upgradable_stm::{Domain, Stm, Stop, TVar, Tx, TxError};

use super::watched;

#[derive(Clone)]
pub(super) struct Queue<T: Clone + Send + Sync + 'static> {
    items: TVar<VecDeque<T>>,
    capacity: usize,
}

impl<T: Clone + Send + Sync + 'static> Queue<T> {
    pub(super) fn new(domain: &Domain, capacity: usize) -> Self {
        Self { items: domain.tvar(VecDeque::new()), capacity }
    }

    pub(super) fn push(&self, tx: &Tx<'_>, item: T) -> Stm<()> {
        tx.check(tx.read(&self.items).len() < self.capacity)?;
        Ok(tx.modify(&self.items, |items| items.push_back(item)))
    }

    pub(super) fn pop(&self, tx: &Tx<'_>) -> Stm<T> {
        tx.check(!tx.read(&self.items).is_empty())?;
        Ok(tx.modify(&self.items, |items| items.pop_front().unwrap()))
    }
}

#[test]
fn first_in_first_out() {
    let domain = Domain::new();
    let queue = Queue::new(&domain, 3);
    domain.atomically(|tx| (0..3).try_for_each(|n| queue.push(tx, n)));
    let full = domain.transaction().timeout(Duration::from_millis(1)).run(|tx| {
        queue.push(tx, 3)?;
        Ok::<_, Stop<()>>(())
    });
    assert_eq!(full.unwrap_err(), TxError::TimedOut);
    let popped = domain.atomically(|tx| (0..3).map(|_| queue.pop(tx)).collect::<Stm<Vec<_>>>());
    assert_eq!(popped, [0, 1, 2]);
}

#[test]
fn producers_and_consumers() {
    const EACH: u32 = 1_000;
    watched(|| {
        for capacity in [1, 4, 100] {
            let domain = Domain::new();
            let queue = Queue::new(&domain, capacity);
            let consumed = thread::scope(|scope| {
                for producer in 0..3 {
                    let (domain, queue) = (&domain, &queue);
                    scope.spawn(move || {
                        for n in 0..EACH {
                            domain.atomically(|tx| queue.push(tx, (producer, n)));
                        }
                    });
                }
                let consume = || {
                    let pop = |_| domain.atomically(|tx| queue.pop(tx));
                    (0..EACH).map(pop).collect::<Vec<(u32, u32)>>()
                };
                let consumers: Vec<_> = (0..3).map(|_| scope.spawn(consume)).collect();
                consumers.into_iter().map(|c| c.join().unwrap()).collect::<Vec<_>>()
            });
            for of_one in &consumed {
                for producer in 0..3 {
                    let numbers =
                        of_one.iter().filter(|item| item.0 == producer).map(|item| item.1);
                    assert!(numbers.is_sorted(), "in the order in which they came");
                }
            }
            let all: BTreeSet<_> = consumed.iter().flatten().collect();
            assert_eq!(all.len(), 3 * EACH as usize, "each item came out once");
        }
    });
}

/// A pipeline of queues: what fills one empties the other, at one instant.
#[test]
fn a_pipeline() {
    const ITEMS: u32 = 1_000;
    watched(|| {
        let domain = Domain::new();
        let stages: Vec<Queue<u32>> = (0..4).map(|_| Queue::new(&domain, 2)).collect();
        thread::scope(|scope| {
            scope.spawn(|| (0..ITEMS).for_each(|n| domain.atomically(|tx| stages[0].push(tx, n))));
            for stage in 0..3 {
                let (domain, stages) = (&domain, &stages);
                scope.spawn(move || {
                    for _ in 0..ITEMS {
                        domain.atomically(|tx| {
                            let item = stages[stage].pop(tx)?;
                            stages[stage + 1].push(tx, item + 1)
                        });
                    }
                });
            }
            for n in 0..ITEMS {
                assert_eq!(domain.atomically(|tx| stages[3].pop(tx)), n + 3);
            }
        });
    });
}

/// A consumer of two queues takes from whichever has something, the first one first.
#[test]
fn from_either_queue() {
    const EACH: u32 = 1_000;
    watched(|| {
        let domain = Domain::new();
        let queues = [(); 2].map(|()| Queue::new(&domain, 5));
        let sums = thread::scope(|scope| {
            for (weight, queue) in [1, 1_000_000_u64].into_iter().zip(&queues) {
                let domain = &domain;
                scope.spawn(move || {
                    for _ in 0..EACH {
                        domain.atomically(|tx| queue.push(tx, weight));
                    }
                });
            }
            let consume = || {
                let pop = |tx: &Tx<'_>| tx.or_else(|tx| queues[0].pop(tx), |tx| queues[1].pop(tx));
                (0..EACH).map(|_| domain.atomically(pop)).sum::<u64>()
            };
            let consumers = [(); 2].map(|()| scope.spawn(consume));
            consumers.map(|consumer| consumer.join().unwrap())
        });
        assert_eq!(sums[0] + sums[1], u64::from(EACH) * 1_000_001);
    });
}
