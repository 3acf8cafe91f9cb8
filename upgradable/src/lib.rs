//! Live upgrades: programs that change their types and code while they run.
//!
//! A program whose state is too valuable or too large to stop and restart keeps it in a [`Heap`].
//! A type gets a new version by deriving [`Upgradable`](macro@Upgradable). An [`Upgrade`] flips the
//! whole heap to the new version in one atomic step, whose cost does not depend on the size of the
//! heap; each object is transformed when a transaction first touches it, and the result is what a
//! conversion of everything at the instant of the flip would have given. It can be rolled back,
//! and no committed write is lost.
//!
//! ```
//! use upgradable::{Heap, Upgradable, Upgrade};
//!
//! mod v1 {
//!     #[derive(upgradable::Upgradable, Clone)]
//!     #[upgrade(name = "bank.Account", version = 1)]
//!     pub struct Account { pub owner: String, pub cents: i64, pub legacy_code: u16 }
//! }
//!
//! #[derive(Upgradable, Clone)]
//! #[upgrade(name = "bank.Account", version = 2, from = v1::Account, removed(legacy_code = 0))]
//! struct Account {
//!     owner: String,                                       // same name: carried over
//!     #[upgrade(from = "cents", with = |c: &i64| c * 10, back = |m: &i64| m / 10)]
//!     mills: i64,                                          // renamed and converted, both ways
//!     #[upgrade(default)]
//!     frozen: bool,                                        // new
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let heap = Heap::new();
//! let ada = v1::Account { owner: "Ada".into(), cents: 990, legacy_code: 7 };
//! let account = heap.atomically(|tx| Ok(tx.create(ada.clone())?))?;
//!
//! let running = heap.upgrade(Upgrade::to("2.0").migrate::<v1::Account, Account>())?;
//!
//! let account = account.cast::<Account>();                 // same object, new view
//! heap.atomically(|tx| Ok(tx.modify(account, |a| a.mills += 100)?))?;
//! assert_eq!(heap.snapshot(|s| s.read(account).map(|a| a.mills))?, 10_000);
//!
//! running.wait()?;                                         // the background does the rest
//! running.roll_back()?.wait()?;                            // or `running.promote()?`
//! let account = account.cast::<v1::Account>();
//! assert_eq!(heap.snapshot(|s| s.read(account).map(|a| a.cents))?, 1_000);
//! # let _ = |a: Account| (a.owner, a.frozen);
//! # Ok(())
//! # }
//! ```
//!
//! # Objects
//!
//! [`Tx::create`] makes an object, a [`Ref`] names it for ever, through all upgrades. Transactions
//! ([`Heap::atomically`], [`Heap::snapshot`]) see one instant of the heap; reads are references
//! into it. Every access checks that the object is there, of this heap, and of the type that the
//! code knows: [`AccessError`] says what is wrong. [`collections`] hold many objects.
//!
//! # Types
//!
//! All versions of a type are a *lineage*, known by name. [`trait@Upgradable`] says where in its
//! lineage a type stands, and [`Fingerprint`] what it looks like; together they are a
//! [`TypeVersion`]. A [`Registry`] keeps them free of contradictions.
//!
//! # Transformers
//!
//! [`UpgradeFrom`] makes new values of old ones, and old ones of new. What the derive can't say is
//! written by hand, with a [`Cx`] that reads other objects as of the flip, and creates objects.
//! [`Profile`] tells in advance whether there is a way back, and whether a transformer reads other
//! objects. A transformer may run more than once on one object; one result counts.
//!
//! # Upgrades
//!
//! [`Heap::upgrade`] carries out a plan and returns a [`RunningUpgrade`], to watch, to steer, and
//! to end: by [promoting](RunningUpgrade::promote) or [rolling back](RunningUpgrade::roll_back).
//! The next upgrade need not wait for it. A transformer that fails harms nobody but the transaction
//! that touched the object; [`OnFailure`] says what follows.
//!
//! # Programs
//!
//! Where the code changes with the types, a [`Service`] runs each request on the [`Program`] of its
//! transaction's era.

// The ordinary build, which has all of it, tells what is dead.
#![cfg_attr(
    loom,
    allow(
        dead_code,
        reason = "models leave out what has threads or time of its own, and what only that uses"
    )
)]

mod access;
pub mod collections;
mod error;
mod heap;
mod lineage;
mod migration;
#[cfg(all(test, loom))]
mod models;
mod object;
mod program;
mod sync;
mod transformer;
mod txn;
mod upgrade;

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private0;

pub use crate::access::{AccessError, Mismatch, TransformFailure};
pub use crate::error::{BoxError, FieldPath, Segment, TransformError, TransformErrorKind};
pub use crate::heap::{Heap, HeapBuilder};
pub use crate::lineage::{
    Fingerprint, FingerprintBuilder, NameBuilder, Origin, Predecessor, Registration, Registry,
    RegistryError, Shape, TypeVersion, Upgradable, registered,
};
pub use crate::migration::progress::Progress;
pub use crate::migration::state::UpgradeState;
pub use crate::object::Ref;
pub use crate::program::Program;
#[cfg(not(loom))]
pub use crate::program::Service;
pub use crate::transformer::{AnyVersion, Cx, Facts, Profile, Step, UpgradeFrom};
pub use crate::txn::{
    Abort, Committed, HeldSnapshot, Interrupt, Read, Snapshot, Stm, Transaction, Tx, TxError,
};
#[cfg(not(loom))]
pub use crate::upgrade::RunningUpgrade;
pub use crate::upgrade::{
    Background, OnFailure, Pace, PlanError, PromoteError, RollBackError, Upgrade, UpgradeError,
    UpgradeEvent, WaitError,
};
pub use upgradable_derive::Upgradable;
pub use upgradable_stm::{CommitTs, Era, Event, MayBlock, Retry, Seq, Stats, TooManyDomains};

// The name of `__private0` must change with the release.
const _: () = assert!(
    lineage::same_name(env!("CARGO_PKG_VERSION_PATCH"), "0"),
    "rename the module of generated code's names after the new release"
);
