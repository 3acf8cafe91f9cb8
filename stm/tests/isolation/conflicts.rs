//! Who conflicts with whom: the table. A transaction does something and writes to a place of its
//! own; before it commits somebody else commits something. It is executed again exactly if what it
//! has read is no longer what is newest.

use upgradable_stm::Tx;

use super::*;

/// What both have to do with.
struct Place {
    domain: Domain,
    x: TVar<u32>,
    object: Handle,
    own: TVar<u32>,
}

/// How often the first one is executed.
fn executions(first: impl Fn(&Tx<'_>, &Place), other: impl Fn(&Tx<'_>, &Place) + Sync) -> u32 {
    let domain = Domain::new();
    let (x, own) = (domain.tvar(0), domain.tvar(0));
    let object = domain.atomically(|tx| Ok(tx.create(0_u32)));
    let place = Place { domain, x, object, own };
    let mut runs = 0;
    place.domain.atomically(|tx| {
        runs += 1;
        first(tx, &place);
        tx.write(&place.own, 1);
        if runs == 1 {
            thread::scope(|scope| {
                scope.spawn(|| place.domain.atomically(|tx| Ok(other(tx, &place))));
            });
        }
        Ok(())
    });
    runs
}

fn read(tx: &Tx<'_>, place: &Place) {
    tx.read(&place.x);
}

fn write(tx: &Tx<'_>, place: &Place) {
    tx.write(&place.x, 5);
}

fn modify(tx: &Tx<'_>, place: &Place) {
    tx.modify(&place.x, |n| *n += 1);
}

fn write_what_was_there(tx: &Tx<'_>, place: &Place) {
    tx.write(&place.x, *tx.read(&place.x));
}

fn write_and_read(tx: &Tx<'_>, place: &Place) {
    tx.write(&place.x, 5);
    tx.read(&place.x);
}

fn read_in_a_failed_part(tx: &Tx<'_>, place: &Place) {
    let failed = tx.nested(|tx| {
        tx.read(&place.x);
        Err::<(), _>(Stop::Cancel(()))
    });
    assert!(failed.is_err());
}

fn read_in_a_snapshot(_: &Tx<'_>, place: &Place) {
    place.domain.snapshot(|s| *s.read(&place.x));
}

fn get(tx: &Tx<'_>, place: &Place) {
    let _ = tx.get::<u32>(place.object);
}

fn put(tx: &Tx<'_>, place: &Place) {
    let _ = tx.put(place.object, 5_u32);
}

fn delete(tx: &Tx<'_>, place: &Place) {
    let _ = tx.delete(place.object);
}

fn create(tx: &Tx<'_>, _: &Place) {
    tx.create(1_u32);
}

fn nothing(_: &Tx<'_>, _: &Place) {}

#[test]
fn who_conflicts_with_whom() {
    // Readers with writers of the same, whatever they write.
    assert_eq!(executions(read, write), 2);
    assert_eq!(executions(read, modify), 2);
    assert_eq!(executions(read, write_what_was_there), 2, "a version is not its value");
    assert_eq!(executions(modify, write), 2);
    assert_eq!(executions(modify, modify), 2);
    assert_eq!(executions(read_in_a_failed_part, write), 2);
    assert_eq!(executions(get, put), 2);
    assert_eq!(executions(get, delete), 2);
    // Not with readers, not with others, and not with those who come to nothing.
    assert_eq!(executions(read, read), 1);
    assert_eq!(executions(modify, read), 1);
    assert_eq!(executions(get, get), 1);
    assert_eq!(executions(read, put), 1);
    assert_eq!(executions(get, write), 1);
    assert_eq!(executions(read, nothing), 1);
    assert_eq!(executions(read_in_a_snapshot, write), 1);
    // Who writes without having looked does not mind who was there before.
    assert_eq!(executions(write, write), 1);
    assert_eq!(executions(write, modify), 1);
    assert_eq!(executions(write_and_read, write), 1, "its own write is all that it has read");
    assert_eq!(executions(create, create), 1);
    // Whether an object is there, and of which type, has been looked at by who writes to it.
    assert_eq!(executions(put, put), 2);
    assert_eq!(executions(put, delete), 2);
    assert_eq!(executions(delete, delete), 2);
}
