//! Items with their objects on their way: nobody sees a difference but in time.

use std::cell::Cell;

use upgradable_stm::{Domain, Handle};

/// So many items are taken in advance.
const AHEAD: usize = 16;

/// All come, once and in order, however many there are; and how many are to come is known.
#[test]
fn all_items_come_in_their_order() {
    let domain = Domain::new();
    let names =
        domain.atomically(|tx| Ok((0..100_usize).map(|n| tx.create(n)).collect::<Vec<Handle>>()));
    for count in [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100] {
        let names = &names[..count];
        domain.snapshot(|s| {
            let mut prefetched = s.prefetched(names, |&&name| name);
            for given in 0..count {
                assert_eq!(prefetched.len(), count - given);
                let name = *prefetched.next().expect("there is another one");
                assert_eq!(s.get::<usize>(name), Ok(&given));
            }
            assert_eq!((prefetched.next(), prefetched.next()), (None, None));
            assert_eq!(prefetched.len(), 0);
        });
    }
}

/// Sixteen items are taken in advance, none before the first is asked for, and none after the end.
#[test]
fn items_are_taken_in_advance() {
    let domain = Domain::new();
    let taken = Cell::new(0);
    let items = std::iter::from_fn(|| {
        taken.set(taken.get() + 1);
        (taken.get() < 50).then(|| taken.get())
    });
    domain.snapshot(|s| {
        let mut prefetched = s.prefetched(items, |_| Handle::from_bits(0));
        assert_eq!(taken.get(), 0);
        for given in 1..50 {
            assert_eq!(prefetched.next(), Some(given));
            assert_eq!(taken.get(), (given + AHEAD).min(50));
        }
        assert_eq!((prefetched.next(), prefetched.next()), (None, None));
    });
    assert_eq!(taken.get(), 50);
}

/// Whatever the names are of, they are asked for, and their objects are not touched: what was
/// created, written or deleted in the transaction, what is gone, and what never was.
#[test]
fn any_name_will_do() {
    let (domain, other) = (Domain::new(), Domain::new());
    let names = domain.atomically(|tx| Ok((0..40).map(|n| tx.create(n)).collect::<Vec<Handle>>()));
    domain.atomically(|tx| tx.delete(names[3]).map_err(|_| tx.retry()));
    let foreign = other.atomically(|tx| Ok(tx.create(7)));
    let sum = domain.atomically(|tx| {
        let mut all = names.clone();
        all.extend([foreign, Handle::from_bits(0), Handle::from_bits(u64::MAX)]);
        all.push(tx.create(100));
        tx.put(names[20], 1000).expect("it is there");
        tx.delete(names[30]).expect("it is there");
        let sum = tx
            .prefetched(all, |&name| name)
            .filter_map(|name| tx.get::<i32>(name).ok().copied())
            .sum::<i32>();
        Ok(sum)
    });
    assert_eq!(sum, (0..40).sum::<i32>() - 3 - 20 - 30 + 1000 + 100);
}

/// What is only asked for is not noted as read.
#[test]
fn what_is_asked_for_is_not_read() {
    let domain = Domain::new();
    let names = domain.atomically(|tx| Ok([tx.create(1), tx.create(2)]));
    let committed = domain.transaction().run(|tx| {
        assert_eq!(tx.prefetched(names, |&name| name).count(), 2);
        std::thread::scope(|scope| {
            scope.spawn(|| domain.atomically(|tx| Ok(tx.put(names[0], 3)))).join().unwrap()
        })
        .expect("it is there");
        tx.put(names[1], 4).map_err(upgradable_stm::Stop::Cancel)
    });
    assert_eq!(committed.expect("nothing is in its way").conflicts, 0);
}
