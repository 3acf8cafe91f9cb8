//! How commands come to the parts of a value.

use crate::resp::Reply;
use crate::store::entry::Typed;
use crate::store::entry::value::Part;
use crate::store::fault::WRONG_TYPE;
use crate::store::{Change, Fault, Look, Text};

/// The value of a key, to look at; `None` if there is no such key.
pub(super) fn part<'l, P: Part, E: Typed + 'l>(
    look: &'l Look<'_, '_, E>,
    key: &[u8],
) -> Result<Option<&'l P>, Fault> {
    look.get(key)?.map(|entry| P::of(entry.value()).ok_or_else(|| WRONG_TYPE.into())).transpose()
}

/// Changes the value of a key, which begins empty where there is none. `change` says whether it
/// has changed anything. What is empty in the end goes.
pub(super) fn edit<P: Part, E: Typed, R>(
    space: &Change<'_, '_, E>,
    key: &[u8],
    change: impl FnOnce(&mut P) -> Result<(R, bool), Fault>,
) -> Result<R, Fault> {
    let found = space.find(key)?;
    let mut part = match found {
        Some((_, entry)) => P::of(entry.value()).ok_or(WRONG_TYPE)?.clone(),
        None => P::default(),
    };
    let (result, has_changed) = change(&mut part)?;
    match found {
        _ if !has_changed => {}
        _ if part.is_empty() => {
            space.remove(key)?;
        }
        Some((object, _)) => {
            space.modify(key, object, |entry| entry.set_value(part.into_value()))?;
        }
        None => space.put(key, E::of_value(part.into_value()))?,
    }
    Ok(result)
}

/// A part as a reply.
pub(super) fn bulk(text: &Text) -> Reply {
    Reply::Bulk(Text::clone(text))
}

/// The places from `start` to `stop`, of so many, where negative ones count from the end.
pub(super) fn places(start: i64, stop: i64, len: usize) -> std::ops::Range<usize> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from_end = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let start = from_end(start).max(0);
    let end = from_end(stop).min(len - 1) + 1;
    if start >= end { 0..0 } else { start as usize..end as usize }
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn places_from_both_ends() {
        let table = [
            ((0, -1, 3), 0..3),
            ((-100, 100, 3), 0..3),
            ((1, 1, 3), 1..2),
            ((-2, -1, 3), 1..3),
            ((2, 1, 3), 0..0),
            ((3, 9, 3), 0..0),
            ((0, -4, 3), 0..0),
            ((i64::MIN, i64::MAX, 3), 0..3),
            ((0, -1, 0), 0..0),
        ];
        for ((start, stop, len), expected) in table {
            assert_eq!(places(start, stop, len), expected, "{start} {stop} {len}");
        }
    }
}
