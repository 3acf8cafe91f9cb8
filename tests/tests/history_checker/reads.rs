//! Reads that are wrong whatever the order of the transactions.

use super::{ABORTED, Kind, Op, X, Y, at, r, read_only, reject, w};

#[test]
fn dirty_read() {
    let writer: &[Op] = &[w(X, 10)];
    reject(Kind::DirtyRead, &[0, 1], &[(1, 9, writer, ABORTED), (2, 3, &[r(X, 10)], read_only(0))]);
    // Also when the reader aborts: opacity.
    reject(Kind::DirtyRead, &[0, 1], &[(1, 9, writer, ABORTED), (2, 3, &[r(X, 10)], ABORTED)]);
}

#[test]
fn intermediate_read() {
    reject(
        Kind::IntermediateRead,
        &[0, 1],
        &[(1, 4, &[w(X, 10), w(X, 11)], at(1)), (2, 3, &[r(X, 10)], read_only(1))],
    );
}

#[test]
fn thin_air() {
    reject(Kind::ThinAir, &[0], &[(1, 2, &[r(X, 77)], read_only(0))]);
}

#[test]
fn thin_air_when_the_value_belongs_to_another_object() {
    reject(
        Kind::ThinAir,
        &[0, 1],
        &[(1, 2, &[w(Y, 77)], at(1)), (3, 4, &[r(X, 77)], read_only(1))],
    );
}

#[test]
fn thin_air_when_the_value_is_written_later_by_the_reader() {
    reject(Kind::ThinAir, &[0], &[(1, 2, &[r(X, 10), w(X, 10)], at(1))]);
}

#[test]
fn own_write_not_seen() {
    reject(Kind::OwnWriteNotSeen, &[0], &[(1, 2, &[w(X, 10), r(X, 0)], at(1))]);
    // The value before the last own one is no better.
    reject(Kind::OwnWriteNotSeen, &[0], &[(1, 2, &[w(X, 10), w(X, 11), r(X, 10)], ABORTED)]);
}

#[test]
fn non_repeatable_read() {
    reject(
        Kind::NonRepeatableRead,
        &[1],
        &[(2, 3, &[w(X, 10)], at(1)), (1, 4, &[r(X, 0), r(X, 10)], read_only(1))],
    );
}
