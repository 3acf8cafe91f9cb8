//! Long traversals, T1 to T6.

use super::walk::{components, graph, move_date, nothing, swap_x_y};
use super::{Outcome, Worker};
use crate::backend::{Read, Stop, Write};
use crate::id::Id;
use crate::schema::{Composite, Schema};
use crate::text::Text;

/// Which atomic parts of a composite part are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Root,
    All,
}

pub(super) fn t1<S: Schema, X: Read<S>>(tx: &X, worker: &mut Worker) -> Outcome<X::Error> {
    let mut visited = 0;
    components(tx, |composite| {
        visited += graph(tx, &mut worker.scratch, composite, |_, _| Ok(()))?;
        Ok(())
    })?;
    Ok(visited)
}

/// T2a, T2b, T2c.
pub(super) fn swap<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
    which: Which,
    times: i32,
) -> Outcome<X::Error> {
    change(tx, worker, which, times, |part| swap_x_y(tx, part))
}

/// T3a, T3b, T3c.
pub(super) fn redate<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
    which: Which,
    times: i32,
) -> Outcome<X::Error> {
    change(tx, worker, which, times, |part| move_date(tx, part))
}

fn change<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
    which: Which,
    times: i32,
    mut change: impl FnMut(Id<S::Atomic>) -> Result<(), X::Error>,
) -> Outcome<X::Error> {
    let mut changes = 0;
    components(tx, |composite| {
        graph(tx, &mut worker.scratch, composite, |part, is_root| {
            if is_root || which == Which::All {
                for _ in 0..times {
                    change(part)?;
                }
                changes += times;
            }
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(changes)
}

pub(super) fn t4<S: Schema, X: Read<S>>(tx: &X) -> Outcome<X::Error> {
    let mut letters = 0;
    components(tx, |composite| {
        letters += count_in_document(tx, composite)?;
        Ok(())
    })?;
    Ok(letters)
}

pub(super) fn t5<S: Schema, X: Write<S>>(tx: &X) -> Outcome<X::Error> {
    let mut replaced = 0;
    components(tx, |composite| {
        replaced += toggle_document(tx, composite)?;
        Ok(())
    })?;
    Ok(replaced)
}

pub(super) fn t6<S: Schema, X: Read<S>>(tx: &X) -> Outcome<X::Error> {
    let mut visited = 0;
    components(tx, |composite| {
        let root_part = tx.read(composite)?.root_part();
        nothing(tx, root_part)?;
        visited += 1;
        Ok(())
    })?;
    Ok(visited)
}

pub(super) fn count_in_document<S: Schema, X: Read<S>>(
    tx: &X,
    composite: Id<S::Composite>,
) -> Result<i32, Stop<X::Error>> {
    let document = tx.read(composite)?.document();
    Ok(S::read_text(tx, document, |text| text.count(b'I'))? as i32)
}

pub(super) fn toggle_document<S: Schema, X: Write<S>>(
    tx: &X,
    composite: Id<S::Composite>,
) -> Result<i32, Stop<X::Error>> {
    let document = tx.read(composite)?.document();
    let replaced = S::modify_text(tx, document, toggle_prefix)?;
    assert!(replaced, "a document begins in one of two ways");
    Ok(1)
}

/// Switches between the two ways in which a document can begin.
pub(crate) fn toggle_prefix(text: &mut Text) -> bool {
    text.replace_prefix("I am", "This is") || text.replace_prefix("This is", "I am")
}
