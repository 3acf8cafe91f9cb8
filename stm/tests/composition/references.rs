//! References: `&T` into the memory lives as long as the transaction, and shows what was read,
//! whatever is written meanwhile.

use std::cell::Cell;
use std::thread;

use upgradable_stm::{Domain, Retry};

use super::Census;

#[test]
fn a_reference_shows_what_was_read_when_the_same_variable_is_written() {
    let domain = Domain::new();
    let x = domain.tvar(String::from("committed"));
    domain.atomically(|tx| {
        let committed = tx.read(&x);
        tx.write(&x, String::from("first"));
        let first = tx.read(&x);
        tx.modify(&x, |text| text.push_str(", changed"));
        let changed = tx.read(&x);
        let replaced = tx.replace(&x, String::from("last"));
        assert_eq!([committed, first, changed], ["committed", "first", "first, changed"]);
        assert!(std::ptr::eq(changed, replaced));
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| s.read(&x).clone()), "last");
}

#[test]
fn a_reference_shows_what_was_read_when_the_object_is_written_or_deleted() {
    let domain = Domain::new();
    let census = Census::default();
    let name = domain.atomically(|tx| Ok(tx.create(census.count(1))));
    domain.atomically(|tx| {
        let one = tx.get::<super::census::Counted<i32>>(name).unwrap();
        tx.put(name, census.count(2)).unwrap();
        let two = tx.get::<super::census::Counted<i32>>(name).unwrap();
        tx.update(name, |it: &mut super::census::Counted<i32>| it.value = 3).unwrap();
        let three = tx.get::<super::census::Counted<i32>>(name).unwrap();
        tx.delete(name).unwrap();
        assert_eq!([one.value, two.value, three.value], [1, 2, 3]);
        assert!([one, two, three].iter().all(|it| it.is_alive()));
        Ok(())
    });
    domain.reclaim();
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_value_nobody_refers_to_is_changed_in_place() {
    let domain = Domain::new();
    let census = Census::default();
    let x = domain.tvar(census.count(0));
    domain.atomically(|tx| {
        for n in 1..=10 {
            tx.modify(&x, |it| it.value = n);
        }
        assert_eq!(census.alive(), 2, "one committed, one copy");
        let _shown = tx.read(&x);
        tx.modify(&x, |it| it.value = 11);
        assert_eq!(census.alive(), 3);
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| s.read(&x).value), 11);
}

/// A part can hand a reference out through the transaction around it. The version that it refers
/// to is undone with the part, but stays till the end of the transaction.
#[test]
fn a_reference_outlives_the_undone_part_that_it_comes_from() {
    let domain = Domain::new();
    let census = Census::default();
    let x = domain.tvar(census.count(1));
    domain.atomically(|tx| {
        let (written, created) = (Cell::new(None), Cell::new(None));
        tx.nested(|_| {
            tx.write(&x, census.count(2));
            written.set(Some(tx.read(&x)));
            let name = tx.create(census.count(3));
            created.set(Some(tx.get::<super::census::Counted<i32>>(name).unwrap()));
            Err::<(), _>(())
        })
        .unwrap_err();
        // Memory that was given back would be used again by these.
        let others: Vec<_> = (0..100).map(|n| tx.create(census.count(n))).collect();
        let (written, created) = (written.get().unwrap(), created.get().unwrap());
        assert_eq!((written.value, created.value, tx.read(&x).value), (2, 3, 1));
        assert!(written.is_alive() && created.is_alive());
        others.iter().for_each(|&name| tx.delete(name).unwrap());
        Ok(())
    });
    domain.reclaim();
    assert_eq!(census.alive(), 1);
}

#[test]
fn a_reference_outlives_the_undone_alternative() {
    let domain = Domain::new();
    let x = domain.tvar(vec![1]);
    domain.atomically(|tx| {
        tx.modify(&x, |list| list.push(2));
        let stash = Cell::new(None);
        tx.or_else(
            |_| {
                tx.modify(&x, |list| list.push(3));
                stash.set(Some(tx.read(&x)));
                Err(tx.retry())
            },
            |_| Ok::<_, Retry>(tx.modify(&x, |list| list.push(4))),
        )?;
        assert_eq!(*stash.get().unwrap(), [1, 2, 3]);
        assert_eq!(*tx.read(&x), [1, 2, 4]);
        Ok(())
    });
}

#[test]
fn undoing_restores_the_version_that_is_referred_to() {
    let domain = Domain::new();
    let x = domain.tvar(vec![1]);
    domain.atomically(|tx| {
        tx.write(&x, vec![2]);
        let before = tx.read(&x);
        tx.nested(|tx| {
            tx.modify(&x, |list| list.push(3));
            Err::<(), _>(())
        })
        .unwrap_err();
        assert!(std::ptr::eq(tx.read(&x), before), "the very same version");
        // It is referred to: a change is made to a copy.
        tx.modify(&x, |list| list.push(4));
        assert_eq!((before, tx.read(&x)), (&vec![2], &vec![2, 4]));
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| s.read(&x).clone()), [2, 4]);
}

#[test]
fn a_snapshots_reference_outlives_what_others_do() {
    let domain = Domain::new();
    let census = Census::default();
    let x = domain.tvar(census.count(0));
    let name = domain.atomically(|tx| Ok(tx.create(census.count(0))));
    domain.snapshot(|s| {
        let (var, object) = (s.read(&x), s.get::<super::census::Counted<i32>>(name).unwrap());
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..=1000 {
                    domain.atomically(|tx| Ok(tx.write(&x, census.count(n))));
                }
                domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
                domain.reclaim();
            });
        });
        assert!(var.is_alive() && object.is_alive());
        assert_eq!((var.value, object.value), (0, 0));
        assert_eq!(census.alive(), 3, "these two, and the newest");
    });
    domain.reclaim();
    assert_eq!(census.alive(), 1);
}

#[test]
fn a_transactions_reference_outlives_what_others_do() {
    let domain = Domain::new();
    let census = Census::default();
    let x = domain.tvar(census.count(0));
    domain.atomically(|tx| {
        let shown = tx.read(&x);
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..=1000 {
                    domain.atomically(|tx| Ok(tx.write(&x, census.count(n))));
                }
                domain.reclaim();
            });
        });
        assert!(shown.is_alive());
        assert_eq!(shown.value, 0);
        Ok(())
    });
    domain.reclaim();
    assert_eq!(census.alive(), 1);
}

#[test]
fn a_reference_in_a_large_write_set_shows_what_was_read() {
    let domain = Domain::new();
    let vars: Vec<_> = (0..200).map(|n| domain.tvar(n)).collect();
    domain.atomically(|tx| {
        let before: Vec<&i32> = vars.iter().map(|var| tx.read(var)).collect();
        vars.iter().for_each(|var| tx.modify(var, |n| *n += 1000));
        let after: Vec<&i32> = vars.iter().map(|var| tx.read(var)).collect();
        vars.iter().for_each(|var| tx.write(var, -1));
        for n in 0..200_i32 {
            assert_eq!((*before[n as usize], *after[n as usize]), (n, n + 1000));
        }
        Ok(())
    });
}
