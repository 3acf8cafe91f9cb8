//! Ways through the structure that several operations take.

use std::hint::black_box;
use std::sync::Arc;

use crate::backend::{AtomicByDate, Read, Stop, Write};
use crate::id::Id;
use crate::params;
use crate::schema::{
    Atomic, Base, Children, Complex, Composite, Design, List, Module, Object, Schema,
};

use super::{Scratch, Worker};

/// The components of all base assemblies, in the order of the tree; one that is linked three
/// times comes three times.
pub(super) fn components<S: Schema, X: Read<S>>(
    tx: &X,
    mut visit: impl FnMut(Id<S::Composite>) -> Result<(), Stop<X::Error>>,
) -> Result<(), Stop<X::Error>> {
    let root = root(tx)?;
    below(tx, root, &mut visit)
}

fn below<S: Schema, X: Read<S>>(
    tx: &X,
    complex: Id<S::Complex>,
    visit: &mut impl FnMut(Id<S::Composite>) -> Result<(), Stop<X::Error>>,
) -> Result<(), Stop<X::Error>> {
    match children(tx, complex)? {
        Children::Complex(children) => {
            children.iter().try_for_each(|&child| below(tx, child, visit))
        }
        Children::Base(children) => children.iter().try_for_each(|&base| {
            let components = components_of(tx, base)?;
            components.iter().try_for_each(|&composite| visit(composite))
        }),
    }
}

pub(super) fn root<S: Schema, X: Read<S>>(tx: &X) -> Result<Id<S::Complex>, X::Error> {
    Ok(tx.read(tx.roots().module)?.root())
}

pub(super) fn children<S: Schema, X: Read<S>>(
    tx: &X,
    complex: Id<S::Complex>,
) -> Result<Children<S>, X::Error> {
    Ok(tx.read(complex)?.children())
}

pub(super) fn components_of<S: Schema, X: Read<S>>(
    tx: &X,
    base: Id<S::Base>,
) -> Result<List<S::Composite>, X::Error> {
    Ok(Arc::clone(tx.read(base)?.components()))
}

/// The atomic parts of a composite part, depth first from its root part. The visitor is told
/// whether it is at the root part. Returns how many there are.
pub(super) fn graph<S: Schema, X: Read<S>>(
    tx: &X,
    scratch: &mut Scratch,
    composite: Id<S::Composite>,
    mut visit: impl FnMut(Id<S::Atomic>, bool) -> Result<(), Stop<X::Error>>,
) -> Result<i32, Stop<X::Error>> {
    let Scratch { stack, seen, .. } = scratch;
    stack.clear();
    seen.clear();
    stack.push(tx.read(composite)?.root_part().to_bits());
    while let Some(bits) = stack.pop() {
        let first = seen.is_empty();
        if seen.insert(bits) {
            let part = Id::from_bits(bits);
            visit(part, first)?;
            // Reversed, so that the first is visited first.
            stack.extend(tx.read(part)?.targets().iter().rev().map(|part| part.to_bits()));
        }
    }
    Ok(seen.len() as i32)
}

/// Descends from the root to a base assembly, and to one of its components.
pub(super) fn random_composite<S: Schema, X: Read<S>>(
    tx: &X,
    worker: &mut Worker,
) -> Result<Id<S::Composite>, Stop<X::Error>> {
    let mut complex = root(tx)?;
    loop {
        match children(tx, complex)? {
            Children::Complex(children) => complex = children[worker.random.draw(children.len())],
            Children::Base(children) => {
                let base = children[worker.random.draw(children.len())];
                let components = components_of(tx, base)?;
                if components.is_empty() {
                    return Err(Stop::Failed);
                }
                return Ok(components[worker.random.draw(components.len())]);
            }
        }
    }
}

/// An assembly of either class.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assembly<S: Schema> {
    Base(Id<S::Base>),
    Complex(Id<S::Complex>),
}

/// All assemblies above a composite part, each once: for each link the base assembly and its
/// ancestors, up to the first that was there before.
pub(crate) fn ancestors<S: Schema, X: Read<S>>(
    tx: &X,
    scratch: &mut Scratch,
    composite: Id<S::Composite>,
    mut visit: impl FnMut(Assembly<S>) -> Result<(), Stop<X::Error>>,
) -> Result<i32, Stop<X::Error>> {
    // Ids of objects of two types, which are told apart by what the back end never sets: names
    // of complex assemblies are turned around.
    let seen = &mut scratch.seen;
    seen.clear();
    let used_in = Arc::clone(tx.read(composite)?.used_in());
    for &base in used_in.iter() {
        if !seen.insert(base.to_bits()) {
            continue;
        }
        let mut above = Some(tx.read(base)?.parent());
        visit(Assembly::Base(base))?;
        while let Some(complex) = above {
            if !seen.insert(!complex.to_bits()) {
                break;
            }
            above = tx.read(complex)?.parent();
            visit(Assembly::Complex(complex))?;
        }
    }
    Ok(seen.len() as i32)
}

/// The operation that does nothing: it opens the object, as ports with objects as units do.
pub(super) fn nothing<S: Schema, X: Read<S>, T: Object<S>>(
    tx: &X,
    object: Id<T>,
) -> Result<(), X::Error> {
    black_box(&*tx.read(object)?);
    Ok(())
}

pub(super) fn swap_x_y<S: Schema, X: Write<S>>(
    tx: &X,
    part: Id<S::Atomic>,
) -> Result<(), X::Error> {
    tx.modify(part, |part| part.swap_x_y())
}

/// Updates the build date of anything that is in no index by date.
pub(crate) fn flip_date<S: Schema, X: Write<S>, T: Object<S> + Design>(
    tx: &X,
    object: Id<T>,
) -> Result<(), X::Error> {
    tx.modify(object, |object| object.set_date(params::other_date(object.date())))
}

/// Updates the build date of an atomic part, and its place in the index.
pub(crate) fn move_date<S: Schema, X: Write<S>>(
    tx: &X,
    part: Id<S::Atomic>,
) -> Result<(), X::Error> {
    let (id, date) = {
        let part = tx.read(part)?;
        (part.id(), part.date())
    };
    let new = params::other_date(date);
    tx.remove::<AtomicByDate>(&(date, id))?;
    tx.modify(part, |part| part.set_date(new))?;
    tx.insert::<AtomicByDate>((new, id), part)
}
