//! The classic anomalies: no serial order explains what the committed transactions read.

use upgradable_tests::history::History;
use upgradable_tests::history::check::check;

use super::{Kind, X, Y, at, history, r, read_only, reject, reject_history, w};

/// X is left by T1 and Y by T0, although both wrote both. Only a stated order of versions can say
/// so.
#[test]
fn dirty_write() {
    let mut history =
        history(&[(1, 3, &[w(X, 10), w(Y, 11)], at(1)), (2, 4, &[w(X, 20), w(Y, 21)], at(2))]);
    history.set_version_order(X, vec![10, 20]);
    history.set_version_order(Y, vec![21, 11]);
    reject_history(Kind::DirtyWrite, &[0, 1], &history);
}

/// The same anomaly seen by a reader, with the versions in timestamp order.
#[test]
fn dirty_write_seen_by_a_reader() {
    reject(
        Kind::ReadSkew,
        &[1, 2],
        &[
            (1, 3, &[w(X, 10), w(Y, 11)], at(1)),
            (2, 4, &[w(X, 20), w(Y, 21)], at(2)),
            (5, 6, &[r(X, 20), r(Y, 11)], read_only(2)),
        ],
    );
}

#[test]
fn circular_flow() {
    reject(
        Kind::CircularFlow,
        &[0, 1],
        &[(1, 4, &[w(X, 10), r(Y, 20)], at(1)), (2, 3, &[w(Y, 20), r(X, 10)], at(2))],
    );
}

#[test]
fn lost_update() {
    reject(
        Kind::LostUpdate,
        &[0, 1],
        &[(1, 3, &[r(X, 0), w(X, 10)], at(1)), (2, 4, &[r(X, 0), w(X, 20)], at(2))],
    );
}

/// Between the read of T0 and its write two others pass.
#[test]
fn lost_update_past_two_versions() {
    reject(
        Kind::LostUpdate,
        &[0, 1, 2],
        &[
            (1, 9, &[r(X, 0), w(X, 10)], at(3)),
            (2, 7, &[w(X, 20)], at(1)),
            (3, 8, &[w(X, 30)], at(2)),
        ],
    );
}

/// T1 also read and overwrote what T0 did to Y; the name comes from the object that was lost.
#[test]
fn lost_update_beside_other_reasons() {
    reject(
        Kind::LostUpdate,
        &[0, 1],
        &[
            (1, 3, &[w(Y, 10), w(X, 11)], at(1)),
            (2, 4, &[r(Y, 10), r(X, 0), w(Y, 20), w(X, 21)], at(2)),
        ],
    );
}

#[test]
fn stale_update() {
    reject(
        Kind::StaleUpdate,
        &[0, 1],
        &[(1, 3, &[w(X, 10), w(Y, 11)], at(1)), (2, 4, &[r(X, 0), w(Y, 20)], at(2))],
    );
}

#[test]
fn write_skew() {
    reject(
        Kind::WriteSkew,
        &[0, 1],
        &[(1, 3, &[r(X, 0), w(Y, 10)], at(1)), (2, 4, &[r(Y, 0), w(X, 20)], at(2))],
    );
}

/// "Nobody else holds a slot, so I take mine": the predicate is three objects, and the write that
/// breaks it comes from three transactions at once.
#[test]
fn write_skew_over_a_predicate() {
    let slots = [11, 12, 13];
    let check_all = slots.map(|slot| r(slot, 0));
    let take = |slot, value| [check_all.as_slice(), &[w(slot, value)]].concat();
    let (a, b, c) = (take(11, 1), take(12, 2), take(13, 3));
    reject(Kind::WriteSkew, &[], &[(1, 4, &a, at(1)), (2, 5, &b, at(2)), (3, 6, &c, at(3))]);
}

#[test]
fn write_skew_around_three() {
    reject(
        Kind::WriteSkew,
        &[0, 1, 2],
        &[
            (1, 4, &[r(X, 0), w(Y, 10)], at(1)),
            (2, 5, &[r(Y, 0), w(3, 20)], at(2)),
            (3, 6, &[r(3, 0), w(X, 30)], at(3)),
        ],
    );
}

#[test]
fn long_fork() {
    reject(
        Kind::LongFork,
        &[0, 1, 2, 3],
        &[
            (1, 9, &[w(X, 10)], at(1)),
            (2, 9, &[w(Y, 20)], at(2)),
            (3, 7, &[r(X, 10), r(Y, 0)], read_only(1)),
            (4, 8, &[r(X, 0), r(Y, 20)], read_only(2)),
        ],
    );
}

#[test]
fn read_skew() {
    reject(
        Kind::ReadSkew,
        &[0, 1],
        &[(2, 3, &[w(X, 10), w(Y, 11)], at(1)), (1, 4, &[r(X, 0), r(Y, 11)], read_only(1))],
    );
}

/// The reader of a write skew that alone looks serial: no known name, and no serial order.
#[test]
fn the_read_only_anomaly_is_not_serializable() {
    reject(
        Kind::NotSerializable,
        &[0, 1, 2],
        &[
            (1, 9, &[r(X, 0), r(Y, 0), w(X, 10)], at(2)),
            (2, 4, &[r(Y, 0), w(Y, 20)], at(1)),
            (5, 6, &[r(X, 0), r(Y, 20)], read_only(1)),
        ],
    );
}

/// A round of thousands: the search must not take forever, nor the message fill the screen.
#[test]
fn write_skew_around_very_many() {
    let count = 20_000_u32;
    let mut history = History::new();
    for i in 0..count {
        let ops = [r(i, 0), w((i + 1) % count, u64::from(i) + 1)];
        history.push(i, 1, 2, &ops, at(u64::from(i) + 1));
    }
    let violation = check(&history).expect_err("nobody can be first");
    assert_eq!(violation.kind(), Kind::WriteSkew);
    assert_eq!(violation.cycle().map(|cycle| cycle.steps().len()), Some(count as usize));
    assert!(violation.to_string().contains("... and 19988 more"));
}
