//! `or_else` and `nested`: which parts stand, and which are as if they had never been.

use std::thread;

use upgradable_stm::{AccessError, Domain, Retry, Stm, Stop, TVar, Tx, TxError};

use super::watched;

/// A queue as two stacks would be simpler; this one blocks.
fn take(tx: &Tx<'_>, queue: &TVar<Vec<u32>>) -> Stm<u32> {
    tx.check(!tx.read(queue).is_empty())?;
    Ok(tx.modify(queue, |queue| queue.remove(0)))
}

#[test]
fn the_first_alternative_stands_if_it_can() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar(0), domain.tvar(0));
    let chosen = domain.atomically(|tx| {
        tx.or_else(
            |tx| {
                tx.write(&x, 1);
                Ok::<_, Retry>("first")
            },
            |tx| {
                tx.write(&y, 1);
                Ok("second")
            },
        )
    });
    assert_eq!(chosen, "first");
    assert_eq!(domain.snapshot(|s| (*s.read(&x), *s.read(&y))), (1, 0));
}

#[test]
fn the_second_alternative_sees_nothing_of_the_first() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar(0), domain.tvar(0));
    domain.atomically(|tx| {
        tx.or_else(
            |tx| {
                tx.write(&x, 1);
                tx.modify(&y, |n| *n += 1);
                Err(tx.retry())
            },
            |tx| {
                assert_eq!((*tx.read(&x), *tx.read(&y)), (0, 0));
                Ok(tx.write(&y, 2))
            },
        )
    });
    assert_eq!(domain.snapshot(|s| (*s.read(&x), *s.read(&y))), (0, 2));
}

#[test]
fn what_was_written_before_the_alternatives_stands() {
    let domain = Domain::new();
    let (list, n) = (domain.tvar(vec![0]), domain.tvar(0));
    domain.atomically(|tx| {
        tx.write(&list, vec![2]);
        tx.write(&n, 5);
        tx.or_else(|tx| Ok::<_, Retry>(tx.write(&list, vec![])), |_| Ok(()))?;
        tx.or_else(
            |tx| {
                tx.write(&n, 6);
                Err(tx.retry())
            },
            |_| Ok(()),
        )?;
        assert!(tx.read(&list).is_empty());
        assert_eq!(*tx.read(&n), 5);
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| (s.read(&list).len(), *s.read(&n))), (0, 5));
}

#[test]
fn after_an_alternative_one_goes_on_with_what_it_left() {
    let domain = Domain::new();
    let x = domain.tvar(1);
    domain.atomically(|tx| {
        tx.modify(&x, |n| *n += 1); // 2
        tx.or_else(
            |tx| {
                tx.modify(&x, |n| *n *= 100);
                Err(tx.retry())
            },
            |tx| Ok(tx.modify(&x, |n| *n *= 10)), // 20
        )?;
        tx.modify(&x, |n| *n += 3); // 23
        tx.nested(|tx| Ok::<_, ()>(tx.modify(&x, |n| *n *= 2))).unwrap(); // 46
        tx.nested(|tx| {
            tx.modify(&x, |n| *n = 0);
            Err::<(), _>(())
        })
        .unwrap_err();
        tx.modify(&x, |n| *n += 4);
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 50);
}

#[test]
fn alternatives_nest_on_either_side() {
    let domain = Domain::new();
    let [a, b, c] = [vec![], vec![], vec![7]].map(|queue| domain.tvar(queue));
    let left = domain.atomically(|tx| {
        tx.or_else(|tx| tx.or_else(|tx| take(tx, &a), |tx| take(tx, &b)), |tx| take(tx, &c))
    });
    domain.atomically(|tx| Ok(tx.write(&c, vec![8])));
    let right = domain.atomically(|tx| {
        tx.or_else(|tx| take(tx, &a), |tx| tx.or_else(|tx| take(tx, &b), |tx| take(tx, &c)))
    });
    assert_eq!((left, right), (7, 8));
}

#[test]
fn the_innermost_alternative_comes_first() {
    let domain = Domain::new();
    let tried = domain.atomically(|tx| {
        let mut tried = Vec::new();
        let tried_cell = std::cell::RefCell::new(&mut tried);
        let attempt = |name| tried_cell.borrow_mut().push(name);
        tx.or_else(
            |tx| {
                tx.or_else(
                    |tx| {
                        attempt(1);
                        Err::<(), _>(tx.retry())
                    },
                    |tx| {
                        attempt(2);
                        Err(tx.retry())
                    },
                )
            },
            |_| {
                attempt(3);
                Ok(())
            },
        )?;
        Ok(tried)
    });
    assert_eq!(tried, [1, 2, 3]);
}

#[test]
fn a_hundred_alternatives_deep() {
    fn descend(tx: &Tx<'_>, x: &TVar<u32>, depth: u32) -> Stm<()> {
        tx.or_else(
            |tx| {
                tx.modify(x, |n| *n += 1);
                if depth == 0 { Err(tx.retry()) } else { descend(tx, x, depth - 1) }
            },
            |tx| Ok(tx.modify(x, |n| *n += 1000)),
        )
    }
    let domain = Domain::new();
    let x = domain.tvar(0);
    domain.atomically(|tx| descend(tx, &x, 100));
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 100 + 1000, "only the innermost was undone");
}

#[test]
fn an_error_is_no_reason_for_the_second_alternative() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let outcome = domain.try_atomically(|tx| {
        let tried = tx.or_else(
            |tx| {
                tx.write(&x, 1);
                Err::<(), _>(Stop::Cancel("no"))
            },
            |_| panic!("not asked for"),
        );
        assert_eq!(*tx.read(&x), 1, "and undoes nothing");
        tried
    });
    assert_eq!(outcome, Err(TxError::Cancelled("no")));
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 0);
}

#[test]
fn a_nested_part_that_fails_is_undone_and_says_why() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar(0), domain.tvar(0));
    domain.atomically(|tx| {
        tx.write(&x, 1);
        let failed = tx.nested(|tx| {
            tx.write(&x, 2);
            tx.write(&y, 2);
            Err::<(), _>("why")
        });
        assert_eq!(failed, Err("why"));
        assert_eq!((*tx.read(&x), *tx.read(&y)), (1, 0));
        assert_eq!(tx.nested(|tx| Ok::<_, ()>(*tx.replace(&y, 3))), Ok(0));
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| (*s.read(&x), *s.read(&y))), (1, 3));
}

#[test]
fn a_nested_part_may_say_retry_to_the_alternative_around_it() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar(0), domain.tvar(0));
    domain.atomically(|tx| {
        tx.or_else(
            |tx| {
                tx.write(&x, 1);
                tx.nested(|tx| {
                    tx.write(&y, 1);
                    Err::<(), _>(tx.retry())
                })
            },
            |_| Ok(()),
        )
    });
    assert_eq!(domain.snapshot(|s| (*s.read(&x), *s.read(&y))), (0, 0));
}

#[test]
fn a_nested_part_of_a_nested_part_stands_or_falls_with_it() {
    let domain = Domain::new();
    let x = domain.tvar(vec![0]);
    domain.atomically(|tx| {
        tx.nested(|tx| {
            tx.modify(&x, |list| list.push(1));
            tx.nested(|tx| Ok::<_, ()>(tx.modify(&x, |list| list.push(2)))).unwrap();
            assert_eq!(*tx.read(&x), [0, 1, 2]);
            Err::<(), _>(())
        })
        .unwrap_err();
        assert_eq!(*tx.read(&x), [0]);
        tx.nested(|tx| {
            tx.modify(&x, |list| list.push(3));
            tx.nested(|tx| {
                tx.modify(&x, |list| list.push(4));
                Err::<(), _>(())
            })
            .unwrap_err();
            Ok::<_, ()>(())
        })
        .unwrap();
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| s.read(&x).clone()), [0, 3]);
}

/// What an undone part has read can wake the transaction: it might decide otherwise then.
#[test]
fn a_failed_part_still_counts_as_read() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                domain.atomically(|tx| {
                    let fine = tx.nested(|tx| if *tx.read(&x) { Ok(()) } else { Err("not yet") });
                    tx.check(fine.is_ok())
                });
            });
            while domain.stats().blocked == 0 {
                thread::yield_now();
            }
            domain.atomically(|tx| Ok(tx.write(&x, true)));
        });
    });
}

/// The same for an alternative: here what decides was read by the first one only.
#[test]
fn a_failed_alternative_still_counts_as_read() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                domain.atomically(|tx| {
                    let fine =
                        tx.or_else(|tx| tx.check(*tx.read(&x)).map(|()| true), |_| Ok(false))?;
                    tx.check(fine)
                });
            });
            while domain.stats().blocked == 0 {
                thread::yield_now();
            }
            domain.atomically(|tx| Ok(tx.write(&x, true)));
        });
    });
}

#[test]
fn objects_created_in_an_undone_part_are_gone() {
    let domain = Domain::new();
    let (kept, gone) = domain.atomically(|tx| {
        let mut gone = None;
        let kept = tx.create(1_u8);
        tx.nested(|tx| {
            let name = tx.create(2_u8);
            assert_eq!(tx.get::<u8>(name), Ok(&2));
            gone = Some(name);
            Err::<(), _>(())
        })
        .unwrap_err();
        let gone = gone.unwrap();
        assert!(tx.get::<u8>(gone).is_err());
        assert!(tx.put(gone, 3_u8).is_err());
        assert!(tx.delete(gone).is_err());
        assert_ne!(tx.create(4_u8), gone, "nothing else gets its name");
        Ok((kept, gone))
    });
    domain.snapshot(|s| {
        assert_eq!(s.get::<u8>(kept), Ok(&1));
        assert!(s.get::<u8>(gone).is_err());
        assert_eq!(s.handles().count(), 2);
    });
    let later = domain.atomically(|tx| Ok([(); 100].map(|()| tx.create(5_u8))));
    assert!(!later.contains(&gone));
    assert!(domain.snapshot(|s| s.get::<u8>(gone).is_err()));
}

#[test]
fn an_undone_deletion_leaves_the_object_as_it_was() {
    let domain = Domain::new();
    let old = domain.atomically(|tx| Ok(tx.create(1_u8)));
    domain.atomically(|tx| {
        let new = tx.create(2_u8);
        tx.put(old, 3_u8).unwrap();
        tx.nested(|tx| {
            tx.delete(old).unwrap();
            tx.delete(new).unwrap();
            assert_eq!(tx.get::<u8>(old), Err(AccessError::Deleted));
            assert_eq!(tx.get::<u8>(new), Err(AccessError::Deleted));
            Err::<(), _>(())
        })
        .unwrap_err();
        assert_eq!((tx.get::<u8>(old), tx.get::<u8>(new)), (Ok(&3), Ok(&2)));
        Ok(())
    });
    domain.snapshot(|s| {
        let mut values: Vec<u8> = s.handles().map(|name| *s.get::<u8>(name).unwrap()).collect();
        values.sort_unstable();
        assert_eq!(values, [2, 3]);
    });
}

/// Reading several items of a queue that others fill meanwhile, each with an alternative inside.
#[test]
fn several_items_are_taken_at_one_instant() {
    watched(|| {
        let domain = Domain::new();
        let [urgent, normal] = [(); 2].map(|()| domain.tvar(Vec::<u32>::new()));
        let next = |tx: &Tx<'_>| tx.or_else(|tx| take(tx, &urgent), |tx| take(tx, &normal));
        thread::scope(|scope| {
            scope.spawn(|| {
                for item in 1..=4 {
                    domain.atomically(|tx| Ok(tx.modify(&normal, |queue| queue.push(item))));
                }
            });
            let taken = domain.atomically(|tx| {
                next(tx)?;
                Ok([next(tx)?, next(tx)?, next(tx)?])
            });
            assert_eq!(taken, [2, 3, 4]);
        });
        assert!(domain.snapshot(|s| s.read(&normal).is_empty()));
    });
}
