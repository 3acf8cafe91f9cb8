//! The atomic parts of one composite part.

use rustc_hash::{FxHashMap, FxHashSet};

use super::invariants::Checker;
use crate::backend::{Read, Stop};
use crate::id::Id;
use crate::params::{KINDS, XY_RANGE};
use crate::schema::{Atomic, Connection, Design, Schema, Wiring};

/// Parts, their connections, and that each connection is known at both ends.
pub(super) fn check_parts<S: Schema, X: Read<S>>(
    checker: &mut Checker<'_, S, X>,
    composite: Id<S::Composite>,
    number: u32,
    parts: &[Id<S::Atomic>],
) -> Result<(), Stop<X::Error>> {
    let own: FxHashSet<u64> = parts.iter().map(|part| part.to_bits()).collect();
    // By source, target, type and length: how many more of it are outgoing than incoming.
    let mut twins = FxHashMap::<(u64, u64, u8, i32), i32>::default();
    let mut last = 0;
    for &id in parts {
        let part = checker.tx.read(id)?;
        let name = || format!("atomic part #{} of composite part #{number}", part.id());
        checker.check_atomic_design(&*part);
        let found = &mut checker.found;
        found.unless(part.id() > last, || format!("{}: it is out of order", name()));
        last = part.id();
        found.unless((part.x() - part.y()).abs() == 1, || {
            format!("{}: x {} and y {}", name(), part.x(), part.y())
        });
        found.unless(part.part_of() == composite, || format!("{}: part of another", name()));
        let wiring = checker.tx.read(part.wiring())?;
        let count = wiring.outgoing().len();
        let expected = checker.params.connections_per_atomic;
        found.unless(count == expected, || format!("{}: {count} connections", name()));
        let is_legal = |link: &Connection<S>| {
            usize::from(link.kind) < KINDS && (1..=XY_RANGE as i32).contains(&link.length)
        };
        let targets = part.targets().iter().copied();
        found.unless(targets.eq(wiring.outgoing().map(|link| link.other)), || {
            format!("{}: it leads elsewhere than its connections", name())
        });
        for link in wiring.outgoing() {
            found.unless(is_legal(&link), || format!("{}: {link:?}", name()));
            let within = own.contains(&link.other.to_bits());
            found.unless(within, || format!("{}: a connection leads outside", name()));
            let key = (id.to_bits(), link.other.to_bits(), link.kind, link.length);
            *twins.entry(key).or_default() += 1;
        }
        for link in wiring.incoming() {
            found.unless(is_legal(&link), || format!("{}: {link:?}", name()));
            let key = (link.other.to_bits(), id.to_bits(), link.kind, link.length);
            *twins.entry(key).or_default() -= 1;
        }
        if checker.atomics.insert(part.id(), id).is_some() {
            checker.found.add(format!("{}: two of this id", name()));
        }
    }
    let single = twins.values().filter(|&&count| count != 0).count();
    checker.found.unless(single == 0, || {
        format!("composite part #{number}: {single} connections are known at one end only")
    });
    Ok(())
}
