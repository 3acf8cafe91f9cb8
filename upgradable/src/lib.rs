//! Live upgrades of the types of a running program.
//!
//! A program whose state is too valuable or too large to stop and restart keeps it in a heap of
//! versioned types. A type gets a new version by deriving [`Upgradable`]; each value of the old
//! version is transformed when it is first touched, and the result is what a conversion of
//! everything at one instant would have given.
//!
//! This release describes types and converts values, both ways.
//!
//! ```
//! use upgradable::{Cx, UpgradeFrom};
//!
//! # #[derive(Clone, Debug, PartialEq)]
//! # pub struct Money { cents: i64 }
//! # impl Money {
//! #     fn from_cents(cents: i64) -> Self { Self { cents } }
//! #     fn to_cents(&self) -> i64 { self.cents }
//! # }
//! mod v1 {
//!     use upgradable::Upgradable;
//!
//!     #[derive(Upgradable, Clone, Debug, PartialEq)]
//!     #[upgrade(name = "bank.Account", version = 1)]
//!     pub struct Account { pub owner: String, pub cents: i64, pub legacy_code: u16 }
//! }
//! mod v2 {
//!     # use super::{Money, v1};
//!     use upgradable::Upgradable;
//!
//!     #[derive(Upgradable, Clone, Debug, PartialEq)]
//!     #[upgrade(name = "bank.Account", version = 2, from = v1::Account, removed(legacy_code))]
//!     pub struct Account {
//!         pub owner: String,                                      // same name: carried over
//!         #[upgrade(from = "cents", with = Money::from_cents, back = Money::to_cents)]
//!         pub balance: Money,                                     // renamed and converted
//!         #[upgrade(default)]
//!         pub frozen: bool,                                       // new
//!     }
//! }
//!
//! # fn main() -> Result<(), upgradable::TransformError> {
//! let mut cx = Cx::detached();
//! let old = v1::Account { owner: "Ada".into(), cents: 990, legacy_code: 7 };
//! let mut new = v2::Account::upgrade_from(&old, &mut cx)?;
//! assert_eq!(new.balance, Money::from_cents(990));
//!
//! new.owner = "Ada L.".into(); // a write after the flip survives the way back
//! let back = v2::Account::put(&new, Some(&old), &mut cx)?;
//! assert_eq!(back, v1::Account { owner: "Ada L.".into(), cents: 990, legacy_code: 7 });
//! # Ok(())
//! # }
//! ```
//!
//! # Types
//!
//! All versions of a type are a *lineage*, known by name. [`Upgradable`] says where in its lineage
//! a type stands, and [`Fingerprint`] what it looks like; together they are a [`TypeVersion`].
//! Derived types register themselves ([`registered`]); a [`Registry`] keeps them free of
//! contradictions.
//!
//! # Transformers
//!
//! [`UpgradeFrom`] makes new values of old ones, and old ones of new. The old value is only read:
//! transactions that began earlier still use it. [`Profile`] tells in advance whether there is a
//! way back, and whether a transformer reads other objects. A [`Step`] is a transformer with its
//! types erased.
//!
//! # Failure
//!
//! A transformer returns [`TransformError`], which tells the versions and the field. A panic
//! becomes one in [`Cx::catch_panic`].

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
