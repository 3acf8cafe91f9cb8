//! Queries over many objects: Q6, Q7, ST5.

use super::Outcome;
use super::walk::{children, nothing, root};
use crate::backend::{AtomicById, BaseById, Read, Stop, all};
use crate::id::Id;
use crate::schema::{Base, Children, Design, Schema};

pub(super) fn q6<S: Schema, X: Read<S>>(tx: &X) -> Outcome<X::Error> {
    matches_below(tx, root(tx)?)
}

/// Base assemblies that match, and complex assemblies above one.
fn matches_below<S: Schema, X: Read<S>>(
    tx: &X,
    complex: Id<S::Complex>,
) -> Result<i32, Stop<X::Error>> {
    let mut matches = 0;
    match children(tx, complex)? {
        Children::Complex(children) => {
            for &child in children.iter() {
                matches += matches_below(tx, child)?;
            }
        }
        Children::Base(children) => {
            for &base in children.iter() {
                matches += i32::from(has_younger_component(tx, base)?);
            }
        }
    }
    Ok(if matches == 0 { 0 } else { matches + 1 })
}

fn has_younger_component<S: Schema, X: Read<S>>(
    tx: &X,
    base: Id<S::Base>,
) -> Result<bool, X::Error> {
    let base = tx.read(base)?;
    let date = base.date();
    for &composite in base.components().iter() {
        if tx.read(composite)?.date() > date {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn q7<S: Schema, X: Read<S>>(tx: &X) -> Outcome<X::Error> {
    let (from, to) = all();
    let mut parts = 0;
    tx.scan::<AtomicById, Stop<_>>(from, to, |_, part| {
        nothing(tx, part)?;
        parts += 1;
        Ok(())
    })?;
    Ok(parts)
}

pub(super) fn st5<S: Schema, X: Read<S>>(tx: &X) -> Outcome<X::Error> {
    let (from, to) = all();
    let mut matches = 0;
    tx.scan::<BaseById, Stop<_>>(from, to, |_, base| {
        matches += i32::from(has_younger_component(tx, base)?);
        Ok(())
    })?;
    Ok(matches)
}
