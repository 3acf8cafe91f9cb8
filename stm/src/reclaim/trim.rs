//! Taking the versions that nobody sees out of one chain.

use super::active::Live;
use crate::raw::slot::{NodeRef, SlotRef};

/// Whether a chain could be trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Trimmed {
    /// Nothing is left in it that could go.
    Done,
    /// Somebody else held it.
    Busy,
}

/// Takes every version out of the chain of `slot` that must not stay, and hands it to `retire`.
///
/// Readers walk on meanwhile: a version taken out keeps its own link, so who stands on it goes on.
/// The newest version always stays. Committers and other trimmers are kept out by the tag.
pub(crate) fn trim<'d>(
    slot: SlotRef<'d>,
    live: &Live,
    mut retire: impl FnMut(NodeRef<'d>),
) -> Trimmed {
    // A glance without the lock: mostly somebody has been here already. The node may have been
    // recycled; then the answer is about another chain, and the worst is an idle trim.
    if slot.head().node().is_none_or(|newest| newest.prev().is_none()) {
        return Trimmed::Done;
    }
    let Some(newest) = slot.try_trim() else { return Trimmed::Busy };
    if let Some(newest) = newest {
        trim_held(newest, live, &mut retire);
    }
    slot.unlock(newest);
    Trimmed::Done
}

/// The same for a chain that the caller holds; `newest` stays.
pub(crate) fn trim_held<'d>(
    newest: NodeRef<'d>,
    live: &Live,
    retire: &mut impl FnMut(NodeRef<'d>),
) {
    let mut newer = newest;
    while let Some(node) = newer.prev() {
        debug_assert!(node.stamp() <= newer.stamp(), "chains run newest first");
        if live.stay(node.stamp(), newer.stamp()).is_some() {
            newer = node;
        } else {
            newer.set_prev(node.prev());
            retire(node);
        }
    }
}
