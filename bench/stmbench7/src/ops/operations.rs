//! Short operations, OP1 to OP15.

use std::ops::Bound;

use super::walk::{components_of, flip_date, move_date, nothing, swap_x_y};
use super::{Outcome, Worker};
use crate::backend::{AtomicByDate, AtomicById, BaseById, ComplexById, Read, Stop, Write};
use crate::id::Id;
use crate::params;
use crate::schema::{Base, Children, Complex, Manual, Module, Schema};

/// Ten random atomic parts; returns how many of them there are.
fn ten_parts<S: Schema, X: Read<S>>(
    tx: &X,
    worker: &mut Worker,
    mut visit: impl FnMut(Id<S::Atomic>) -> Result<(), X::Error>,
) -> Outcome<X::Error> {
    let mut found = 0;
    for _ in 0..10 {
        if let Some(part) = tx.get::<AtomicById>(&worker.atomic_id())? {
            visit(part)?;
            found += 1;
        }
    }
    Ok(found)
}

pub(super) fn op1<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    ten_parts(tx, worker, |part| nothing(tx, part))
}

pub(super) fn op9<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    ten_parts(tx, worker, |part| swap_x_y(tx, part))
}

pub(super) fn op15<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    ten_parts(tx, worker, |part| move_date(tx, part))
}

/// The atomic parts built on the latest dates, except for the last one.
fn by_date<S: Schema, X: Read<S>>(
    tx: &X,
    percent: i32,
    mut visit: impl FnMut(Id<S::Atomic>) -> Result<(), X::Error>,
) -> Outcome<X::Error> {
    let (from, to) = params::date_range(percent);
    let mut visited = 0;
    let (from, to) = (Bound::Included((from, 0)), Bound::Excluded((to, 0)));
    tx.scan::<AtomicByDate, Stop<_>>(from, to, |_, part| {
        visit(part)?;
        visited += 1;
        Ok(())
    })?;
    Ok(visited)
}

/// OP2 and OP3.
pub(super) fn visit_dates<S: Schema, X: Read<S>>(tx: &X, percent: i32) -> Outcome<X::Error> {
    by_date(tx, percent, |part| nothing(tx, part))
}

pub(super) fn op10<S: Schema, X: Write<S>>(tx: &X, _: &mut Worker) -> Outcome<X::Error> {
    by_date(tx, 1, |part| swap_x_y(tx, part))
}

fn manual<S: Schema, X: Read<S>>(tx: &X) -> Result<Id<S::Manual>, X::Error> {
    Ok(tx.read(tx.roots().module)?.manual())
}

pub(super) fn op4<S: Schema, X: Read<S>>(tx: &X) -> Outcome<X::Error> {
    let manual = manual(tx)?;
    Ok(tx.read(manual)?.text().count(b'I') as i32)
}

pub(super) fn op5<S: Schema, X: Read<S>>(tx: &X) -> Outcome<X::Error> {
    let manual = manual(tx)?;
    let manual = tx.read(manual)?;
    Ok(i32::from(manual.text().first() == manual.text().last()))
}

pub(super) fn op11<S: Schema, X: Write<S>>(tx: &X) -> Outcome<X::Error> {
    let manual = manual(tx)?;
    let letters = tx.modify(manual, |manual| {
        let text = manual.text_mut();
        let (old, new) = match text.first() {
            Some(b'I') => (b'I', b'i'),
            Some(b'i') => (b'i', b'I'),
            _ => panic!("the manual begins with an I or i"),
        };
        text.replace_letter(old, new)
    })?;
    Ok(letters as i32)
}

/// A random complex assembly and its siblings; the root is alone.
fn complex_siblings<S: Schema, X: Read<S>>(
    tx: &X,
    worker: &mut Worker,
    mut visit: impl FnMut(Id<S::Complex>) -> Result<(), X::Error>,
) -> Outcome<X::Error> {
    let complex = tx.get::<ComplexById>(&worker.complex_id())?.ok_or(Stop::Failed)?;
    let (parent, level) = {
        let complex = tx.read(complex)?;
        (complex.parent(), complex.level())
    };
    let Some(parent) = parent else {
        tx.enter_level(level);
        visit(complex)?;
        return Ok(1);
    };
    let Children::Complex(siblings) = tx.read(parent)?.children() else {
        unreachable!("children above level 2 are complex");
    };
    tx.enter_level(level);
    siblings.iter().try_for_each(|&sibling| visit(sibling))?;
    Ok(siblings.len() as i32)
}

pub(super) fn op6<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    complex_siblings(tx, worker, |complex| nothing(tx, complex))
}

pub(super) fn op12<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    complex_siblings(tx, worker, |complex| flip_date(tx, complex))
}

fn random_base<S: Schema, X: Read<S>>(tx: &X, id: u32) -> Result<Id<S::Base>, Stop<X::Error>> {
    tx.get::<BaseById>(&id)?.ok_or(Stop::Failed)
}

fn base_siblings<S: Schema, X: Read<S>>(
    tx: &X,
    worker: &mut Worker,
    mut visit: impl FnMut(Id<S::Base>) -> Result<(), X::Error>,
) -> Outcome<X::Error> {
    let base = random_base(tx, worker.base_id())?;
    let parent = tx.read(base)?.parent();
    let Children::Base(siblings) = tx.read(parent)?.children() else {
        unreachable!("children below level 2 are base assemblies");
    };
    siblings.iter().try_for_each(|&sibling| visit(sibling))?;
    Ok(siblings.len() as i32)
}

pub(super) fn op7<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    base_siblings(tx, worker, |base| nothing(tx, base))
}

pub(super) fn op13<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    base_siblings(tx, worker, |base| flip_date(tx, base))
}

fn own_components<S: Schema, X: Read<S>>(
    tx: &X,
    worker: &mut Worker,
    mut visit: impl FnMut(Id<S::Composite>) -> Result<(), X::Error>,
) -> Outcome<X::Error> {
    let base = random_base(tx, worker.base_id())?;
    let components = components_of(tx, base)?;
    components.iter().try_for_each(|&composite| visit(composite))?;
    Ok(components.len() as i32)
}

pub(super) fn op8<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    own_components(tx, worker, |composite| nothing(tx, composite))
}

pub(super) fn op14<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    own_components(tx, worker, |composite| flip_date(tx, composite))
}
