//! The order of commits that share the last instant of an era.
//!
//! Each of them saw the time before all of them. So one that read an object comes before one that
//! wrote it. Which of several blind writes came last is told by whoever saw the object later.

use std::collections::{HashMap, HashSet};

use super::{Attempt, Id, Op};

/// What an attempt read that it had not written, and what it wrote.
pub(super) fn sets(attempt: &Attempt) -> (HashSet<Id>, HashMap<Id, u64>) {
    let (mut read, mut written) = (HashSet::new(), HashMap::new());
    for op in &attempt.ops {
        match op {
            Op::Read { link, .. } if !written.contains_key(&link.object) => {
                read.insert(link.object);
            }
            Op::Write { object, payload } => {
                written.insert(*object, payload.writer);
            }
            Op::Create { link, payload } => {
                written.insert(link.object, payload.writer);
            }
            Op::Delete { object } => {
                written.insert(*object, 0);
            }
            Op::Read { .. } | Op::Fault(_) => {}
        }
    }
    (read, written)
}

/// Puts attempts in an order in which each read is right. `seen` has every writer that anybody saw.
///
/// # Errors
///
/// The attempts that can't be put in an order.
pub(super) fn order<'h>(
    attempts: &[&'h Attempt],
    seen: &HashSet<u64>,
) -> Result<Vec<&'h Attempt>, Vec<&'h Attempt>> {
    let sets: Vec<_> = attempts.iter().map(|attempt| sets(attempt)).collect();
    let comes_before = |a: usize, b: usize| {
        let ((read, written), (blind, over)) = (&sets[a], &sets[b]);
        let rw = read.iter().any(|object| over.contains_key(object));
        let ww = written.iter().any(|(object, _)| {
            !blind.contains(object) && over.get(object).is_some_and(|last| seen.contains(last))
        });
        rw || ww
    };
    let mut left: Vec<usize> = (0..attempts.len()).collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_first = |&&b: &&usize| left.iter().all(|&a| a == b || !comes_before(a, b));
        let Some(&first) = left.iter().find(is_first) else {
            return Err(left.into_iter().map(|at| attempts[at]).collect());
        };
        left.retain(|&at| at != first);
        ordered.push(attempts[first]);
    }
    Ok(ordered)
}
