//! Short traversals: a way down from the root or up from a part, and what is found there.

use std::fmt::Write as _;

use super::traversals::{count_in_document, toggle_document};
use super::walk::{Assembly, ancestors, flip_date, graph, nothing, random_composite, swap_x_y};
use super::{Outcome, Worker};
use crate::backend::{AtomicById, DocumentByTitle, Read, Stop, Write};
use crate::id::Id;
use crate::schema::{Atomic, Composite, Document, Schema};
use crate::title::title_key;

fn random_part<S: Schema, X: Read<S>>(
    tx: &X,
    worker: &mut Worker,
) -> Result<Id<S::Atomic>, Stop<X::Error>> {
    let composite = random_composite(tx, worker)?;
    let composite = tx.read(composite)?;
    let parts = composite.parts();
    Ok(parts[worker.random.draw(parts.len())])
}

fn x_plus_y<S: Schema, X: Read<S>>(tx: &X, part: Id<S::Atomic>) -> Outcome<X::Error> {
    let part = tx.read(part)?;
    Ok(part.x() + part.y())
}

pub(super) fn st1<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let part = random_part(tx, worker)?;
    x_plus_y(tx, part)
}

pub(super) fn st2<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let composite = random_composite(tx, worker)?;
    count_in_document(tx, composite)
}

/// The composite part of a random atomic part.
fn random_owner<S: Schema, X: Read<S>>(
    tx: &X,
    worker: &mut Worker,
) -> Result<Id<S::Composite>, Stop<X::Error>> {
    let part = tx.get::<AtomicById>(&worker.atomic_id())?.ok_or(Stop::Failed)?;
    Ok(tx.read(part)?.part_of())
}

pub(super) fn st3<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let composite = random_owner(tx, worker)?;
    ancestors(tx, &mut worker.scratch, composite, |assembly| {
        match assembly {
            Assembly::Base(base) => nothing(tx, base)?,
            Assembly::Complex(complex) => nothing(tx, complex)?,
        }
        Ok(())
    })
}

pub(super) fn st4<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let mut visited = 0;
    for _ in 0..100 {
        let id = worker.composite_id();
        let title = &mut worker.scratch.title;
        title.clear();
        write!(title, "Composite Part #{id}").expect("text can be written into a string");
        let Some(document) = tx.get::<DocumentByTitle>(&title_key(title))? else { continue };
        let composite = tx.read(document)?.part();
        let composite = tx.read(composite)?;
        for &base in composite.used_in().iter() {
            nothing(tx, base)?;
            visited += 1;
        }
    }
    Ok(visited)
}

pub(super) fn st6<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let part = random_part(tx, worker)?;
    swap_x_y(tx, part)?;
    x_plus_y(tx, part)
}

pub(super) fn st7<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let composite = random_composite(tx, worker)?;
    toggle_document(tx, composite)
}

pub(super) fn st8<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let composite = random_owner(tx, worker)?;
    ancestors(tx, &mut worker.scratch, composite, |assembly| {
        match assembly {
            Assembly::Base(base) => flip_date(tx, base)?,
            Assembly::Complex(complex) => flip_date(tx, complex)?,
        }
        Ok(())
    })
}

pub(super) fn st9<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let composite = random_composite(tx, worker)?;
    graph(tx, &mut worker.scratch, composite, |_, _| Ok(()))
}

pub(super) fn st10<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let composite = random_composite(tx, worker)?;
    graph(tx, &mut worker.scratch, composite, |part, _| Ok(swap_x_y(tx, part)?))
}
