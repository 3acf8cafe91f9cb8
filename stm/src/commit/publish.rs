//! Publishing what was written.

use super::Commit;
use crate::clock::CommitTs;
use crate::raw::pending::{self, WriteState};
use crate::raw::prefetch::AHEAD;
use crate::raw::slot::NodeRef;
use crate::reclaim::active::Others;
use crate::reclaim::superseded::{Entry, Left};

/// Whether a version has none below it, and needs no entry of its own to end.
#[inline(always)]
fn is_only(version: NodeRef<'_>) -> bool {
    version.prev().is_none() && !version.lingers()
}

impl Commit<'_, '_> {
    /// Makes every version of the transaction the newest of its object, at `ts`, and unlocks.
    ///
    /// Where `ts` is a past instant, `late` is a timestamp of the present.
    #[inline(always)]
    pub(super) fn publish_all(self, ts: CommitTs, late: Option<CommitTs>, watched: bool) {
        let Self { inner, context, writes, .. } = self;
        let others = match late {
            None => context.company.others(ts, &context.seat, &inner.registry),
            Some(_) => Others::Somebody,
        };
        let mut superseded = context.superseded.borrow_mut();
        for (at, entry) in writes.iter().enumerate() {
            if let Some(coming) = writes.get(at + AHEAD) {
                coming.node.prefetch_to_write();
            }
            let slot = inner.slot(entry.slot.slot);
            if entry.created && entry.state == WriteState::Tombstone {
                // Created and deleted: nobody ever saw it.
                slot.unlock(None);
                context.abandon(*entry);
                continue;
            }
            let over = entry.over.map(|node| inner.node(node));
            if let (Some(_), Some(over)) = (late, over) {
                over.linger();
            }
            let node = inner.node(entry.node);
            let room = || inner.room_of(entry.slot, entry.indexed);
            if let Some(over) = over
                && others != Others::Somebody
                && entry.state != WriteState::Tombstone
            {
                if others == Others::Nobody && is_only(over) {
                    pending::replace(slot, over, node, ts, room, context, inner);
                    superseded.count_ended();
                    continue;
                }
                if others.miss(over.stamp()) {
                    if pending::supplant(slot, over, node, ts, room, context, inner) {
                        superseded.retire(over);
                        continue;
                    }
                    if pending::exchange(slot, over, node, ts, context, inner) {
                        superseded.count_ended();
                        continue;
                    }
                }
            }
            let node = if late.is_some() {
                pending::settle_in_the_past(node, context, inner)
            } else {
                pending::settle_in(slot, node, room, context, inner)
            };
            node.set_prev(over);
            node.set_stamp(ts);
            slot.publish(node);
            if let Some(over) = over {
                let from = over.stamp();
                let left = match late {
                    None => Left::Version { from, until: ts },
                    Some(end) => Left::Past { from, end },
                };
                superseded.push(Entry::of(entry.slot, left));
            }
            if entry.state == WriteState::Tombstone {
                superseded.push(Entry::of(entry.slot, Left::Object { deleted: ts }));
            }
        }
        drop(superseded);
        if watched {
            for entry in &*writes {
                inner.watches.wake(entry.slot.slot);
            }
        }
    }
}
