//! Taking the versions that nobody sees out of one chain.

use super::active::{Live, Stay};
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
    /// The version that it is about stays, for no other reason than that the one over it is newer
    /// than the look: the value of that one has been exchanged since. It is to be tried again.
    TooNew,
}

/// Takes every version out of the chain of `slot` that must not stay, and hands it to `retire`.
///
/// It is about the version stamped `of`, whose own entry in a log is being settled, and takes the
/// others on the way. Of the versions that linger only the one stamped `ending` goes.
///
/// Readers walk on meanwhile: a version taken out keeps its own link, so who stands on it goes on.
/// The newest version always stays. Committers and other trimmers are kept out by the tag.
pub(crate) fn trim<'d>(
    slot: SlotRef<'d>,
    live: &Live,
    of: CommitTs,
    ending: Option<CommitTs>,
    mut retire: impl FnMut(NodeRef<'d>),
) -> Trimmed {
    // A glance without the lock: mostly somebody has been here already. The node may have been
    // recycled; then the answer is about another chain, and the worst is an idle trim.
    if slot.head().node().is_none_or(|newest| newest.prev().is_none()) {
        return Trimmed::Done;
    }
    let Some(newest) = slot.try_trim() else { return Trimmed::Busy };
    let too_new = newest.and_then(|newest| trim_held(newest, live, ending, &mut retire));
    slot.unlock(newest);
    if too_new.is_some_and(|oldest| oldest <= of) { Trimmed::TooNew } else { Trimmed::Done }
}

/// The same for a chain that the caller holds; `newest` stays. Returns the oldest stamp of a version
/// that stays because the one over it is too new.
pub(crate) fn trim_held<'d>(
    newest: NodeRef<'d>,
    live: &Live,
    ending: Option<CommitTs>,
    retire: &mut impl FnMut(NodeRef<'d>),
) -> Option<CommitTs> {
    let (mut newer, mut too_new) = (newest, None);
    // Of lingering versions with the same stamp the oldest goes: whatever waited longer for an
    // entry of its own to be settled has waited long enough.
    let mut lingering = None;
    while let Some(node) = newer.prev() {
        debug_assert!(node.stamp() <= newer.stamp(), "chains run newest first");
        let stay = live.stay(node.stamp(), newer.stamp());
        if stay == Some(Stay::TooNew) {
            too_new = Some(node.stamp());
        }
        if stay.is_none() && node.lingers() && Some(node.stamp()) == ending {
            lingering = Some((newer, node));
        }
        if stay.is_some() || node.lingers() {
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
    too_new
}
