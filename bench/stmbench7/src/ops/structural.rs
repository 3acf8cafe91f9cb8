//! Structural modifications, SM1 to SM8.

use super::walk::{Assembly, children, components_of};
use super::{Outcome, Worker};
use crate::backend::{BaseById, ComplexById, CompositeById, Read, Stop, Write};
use crate::id::Id;
use crate::schema::{Base, Complex, Schema};
use crate::structure;

fn base<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Result<Id<S::Base>, Stop<X::Error>> {
    tx.get::<BaseById>(&worker.base_id())?.ok_or(Stop::Failed)
}

fn complex<S: Schema, X: Read<S>>(
    tx: &X,
    worker: &mut Worker,
) -> Result<Id<S::Complex>, Stop<X::Error>> {
    tx.get::<ComplexById>(&worker.complex_id())?.ok_or(Stop::Failed)
}

pub(super) fn sm1<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    structure::create_composite(tx, worker)?;
    Ok(0)
}

pub(super) fn sm2<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let composite = tx.get::<CompositeById>(&worker.composite_id())?.ok_or(Stop::Failed)?;
    structure::remove_composite(tx, composite)?;
    Ok(0)
}

pub(super) fn sm3<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    // Both are drawn before anything is looked up.
    let (base, composite) = (worker.base_id(), worker.composite_id());
    let base = tx.get::<BaseById>(&base)?.ok_or(Stop::Failed)?;
    let composite = tx.get::<CompositeById>(&composite)?.ok_or(Stop::Failed)?;
    structure::link(tx, base, composite)?;
    Ok(0)
}

pub(super) fn sm4<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let base = base(tx, worker)?;
    let components = components_of(tx, base)?;
    if components.is_empty() {
        return Err(Stop::Failed);
    }
    let composite = components[worker.random.draw(components.len())];
    structure::unlink(tx, base, composite)?;
    Ok(0)
}

pub(super) fn sm5<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let sibling = base(tx, worker)?;
    let parent = tx.read(sibling)?.parent();
    structure::create_assembly(tx, worker, Some(parent))?;
    Ok(0)
}

pub(super) fn sm6<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let base = base(tx, worker)?;
    let parent = tx.read(base)?.parent();
    if children(tx, parent)?.len() == 1 {
        return Err(Stop::Failed);
    }
    structure::remove_assembly(tx, Assembly::Base(base))?;
    Ok(1)
}

pub(super) fn sm7<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let parent = complex(tx, worker)?;
    structure::create_assembly(tx, worker, Some(parent))?;
    Ok(1)
}

pub(super) fn sm8<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let complex = complex(tx, worker)?;
    let parent = tx.read(complex)?.parent().ok_or(Stop::Failed)?;
    if children(tx, parent)?.len() == 1 {
        return Err(Stop::Failed);
    }
    structure::remove_assembly(tx, Assembly::Complex(complex))?;
    Ok(1)
}
