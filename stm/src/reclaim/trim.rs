//! Taking the versions that nobody sees out of one chain.

use super::active::Live;
use crate::clock::CommitTs;
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
/// Of the versions that linger only the one stamped `ending` goes, whose own entry in a log has
/// been settled.
///
/// Readers walk on meanwhile: a version taken out keeps its own link, so who stands on it goes on.
/// The newest version always stays. Committers and other trimmers are kept out by the tag.
pub(crate) fn trim<'d>(
    slot: SlotRef<'d>,
    live: &Live,
    ending: Option<CommitTs>,
    mut retire: impl FnMut(NodeRef<'d>),
) -> Trimmed {
    // A glance without the lock: mostly somebody has been here already. The node may have been
    // recycled; then the answer is about another chain, and the worst is an idle trim.
    if slot.head().node().is_none_or(|newest| newest.prev().is_none()) {
        return Trimmed::Done;
    }
    let Some(newest) = slot.try_trim() else { return Trimmed::Busy };
    if let Some(newest) = newest {
        trim_held(newest, live, ending, &mut retire);
    }
    slot.unlock(newest);
    Trimmed::Done
}

/// The same for a chain that the caller holds; `newest` stays.
pub(crate) fn trim_held<'d>(
    newest: NodeRef<'d>,
    live: &Live,
    ending: Option<CommitTs>,
    retire: &mut impl FnMut(NodeRef<'d>),
) {
    let mut newer = newest;
    // Of lingering versions with the same stamp the oldest goes: whatever waited longer for an
    // entry of its own to be settled has waited long enough.
    let mut lingering = None;
    while let Some(node) = newer.prev() {
        debug_assert!(node.stamp() <= newer.stamp(), "chains run newest first");
        let stays = live.stay(node.stamp(), newer.stamp()).is_some();
        if !stays && node.lingers() && Some(node.stamp()) == ending {
            lingering = Some((newer, node));
        }
        if stays || node.lingers() {
            newer = node;
        } else {
            newer.set_prev(node.prev());
            retire(node);
        }
    }
    if let Some((newer, node)) = lingering {
        newer.set_prev(node.prev());
        retire(node);
    }
}
