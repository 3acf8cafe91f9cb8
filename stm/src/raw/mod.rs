//! Where the danger is: slots, versions, and the values in them.
//!
//! # Definitions
//!
//! - A **slot** is the place of one object: a `head` pointer, and room for one version.
//! - A **version** (or node) is a stamp, a pointer to the previous version, the kind of its value,
//!   and the value. It lives inside the slot (*inline*) or in a *block* of its own.
//! - **Headers** are slots and nodes without their values. They consist of atomics only.
//! - A snapshot is **announced** while a transaction runs on it; it **sees** a version with stamp
//!   `o` whose successor has stamp `c` when `o <= snapshot < c`.
//!
//! # Invariants
//!
//! 1. *Type-stable headers.* The memory of slots and blocks belongs to the domain until the domain
//!    goes, or until nobody can look at it (see [`block`] and [`rehouse`]), and the header of a
//!    recycled slot or block is a header again. So `&Slot` and `&Node` may be held as long as the
//!    domain lives; what they say may be out of date, never invalid.
//! 2. *A visible value is there.* A version that an announced snapshot sees is neither dropped nor
//!    recycled (see [`reclaim`](crate::reclaim)). So a reference to the value of the version that
//!    a transaction's snapshot sees lives as long as the transaction.
//! 3. *Published values do not change.* Between publication and drop a value is only read, and moved
//!    where nobody has a reference to it ([`home`], [`succession`]).
//! 4. *One kind a version.* The value of a version has the type that its kind names.
//! 5. *Unpublished is private.* A version no head has ever pointed to belongs to its transaction.
//!
//! # Reading without a fence
//!
//! A reader loads the head, then the stamp. If the stamp is at or below its snapshot, that version
//! is the one it sees, although it may have been superseded meanwhile: whoever supersedes it
//! commits after the snapshot (invariant of the [clock](crate::clock)), so it stays (2). Had the
//! node been *recycled* between the two loads, its stamp would be above the snapshot: a node that
//! was head and can be recycled was invisible to the snapshot, so its old stamp was above; it keeps
//! that until its next commit, which is later still. (A version at a *past* instant is put into
//! a node only when no such reader can be left: when nobody has a snapshot below the node's old
//! stamp, see [`block`]; or into a slot, over an earlier version of the same object, see
//! [`succession`].) If the stamp is above the snapshot the reader pins the collector, loads
//! the head again and walks; nodes unlinked after that are recycled only when it has unpinned. So
//! the common read costs two loads and nothing else, and a long reader holds no collector back,
//! whether it reads or sleeps. (loom models `fast_read_against_recycling` and
//! `fast_read_against_installing`.)
//!
//! # Operations
//!
//! [`slot`] headers and their tags; [`value`] values in and out of nodes; [`block`], [`slab`] and
//! [`var`] memory; [`page_index`] where a slot lies; [`context`] a thread's place in a domain;
//! [`frame`] reading under a snapshot; [`home`] versions that could lie in their slots;
//! [`succession`] versions that take the slot of the one before; [`rehouse`] larger slots;
//! [`unused`] memory that goes back; [`pending`] versions being written; [`update`] reading and
//! writing in a transaction; [`retire`] the end of versions; [`prefetch`] asking for memory before
//! it is used.
#![expect(unsafe_code, reason = "the one place of this crate where it is allowed")]

pub(crate) mod block;
pub(crate) mod context;
pub(crate) mod frame;
pub(crate) mod home;
pub(crate) mod kinds;
pub(crate) mod log;
mod page_index;
pub(crate) mod pending;
pub(crate) mod prefetch;
pub(crate) mod quiet;
pub(crate) mod rehouse;
pub(crate) mod retire;
pub(crate) mod slab;
pub(crate) mod slot;
mod succession;
pub(crate) mod touch;
mod unused;
pub(crate) mod update;
pub(crate) mod value;
pub(crate) mod var;
