//! A multi-version software transactional memory.
//!
//! Threads that share data need to see it consistent and to change several parts of it at once.
//! With locks one has to know which, and in which order; parts that are right alone are wrong
//! together. A transaction is a closure: what it reads is one instant of the whole memory, what
//! it writes happens at one instant, and functions that take the transaction compose.
//!
//! ```
//! use upgradable_stm::{Stm, TVar, Tx, atomically, snapshot};
//!
//! fn withdraw(tx: &Tx<'_>, account: &TVar<u32>, cents: u32) -> Stm<()> {
//!     tx.check(*tx.read(account) >= cents)?; // blocks until there is enough
//!     tx.modify(account, |balance| *balance -= cents);
//!     Ok(())
//! }
//!
//! fn transfer(tx: &Tx<'_>, from: &TVar<u32>, to: &TVar<u32>, cents: u32) -> Stm<()> {
//!     withdraw(tx, from, cents)?;
//!     tx.modify(to, |balance| *balance += cents);
//!     Ok(())
//! }
//!
//! let (alice, bob) = (TVar::new(100), TVar::new(0));
//! atomically(|tx| transfer(tx, &alice, &bob, 30));
//! assert_eq!(snapshot(|s| s.read(&alice) + s.read(&bob)), 100);
//! ```
//!
//! # Transactions
//!
//! [`atomically`] runs an *update transaction*, a closure over a [`Tx`]; it may be executed again
//! after a conflict. [`snapshot()`] runs a *read-only transaction* over a [`Snapshot`]: that has no
//! methods to write, and so keeps no list of what it read, never conflicts, and runs once. Both
//! hand out references `&T` into the memory itself that live as long as the transaction.
//!
//! # Objects
//!
//! A [`TVar`] is a variable with counted handles. A [`Handle`] is a small `Copy` name of an object
//! that lives until it is deleted; it carries no type, and a wrong type, a deleted object or
//! another domain give an [`AccessError`]. Both live in a [`Domain`], of which a program may
//! have several; the free functions use [`Domain::global`].
//!
//! # Blocking and alternatives
//!
//! [`Tx::retry`] puts the thread to sleep until something that the transaction has read changes.
//! [`Tx::or_else`] tries another way first. [`Tx::nested`] undoes a part.
//!
//! # Consistency
//!
//! - **Opacity**: every transaction, also one that will be executed again, sees one consistent
//!   snapshot. So a closure never sees an impossible state, however briefly.
//! - **Strict serializability**: committed transactions are serializable in the order of their
//!   commit timestamps, which respects real time. **Write skew cannot happen.**
//! - Read-only transactions never abort and never block a writer.
//! - A transaction that keeps losing is given precedence after a bounded number of conflicts: for
//!   some of its executions, and for a second at least. (Not for ever: it may wait for one of those
//!   that make way for it.)
//! - A transaction inside an update transaction of the same domain on the same thread is refused
//!   ([`TxError::Nested`]); read-only ones are allowed, and see a snapshot of their own.
//!
//! # Memory
//!
//! Old versions are dropped when no live snapshot sees them, also those between two live
//! snapshots: one reader that takes its time holds back what it sees, and nothing else. Dropping
//! happens in batches at the end of update transactions, and on [`Domain::reclaim`]. An object
//! with one version takes 32 bytes beside its value.
//!
//! # Limits
//!
//! Values must be `Send + Sync + 'static`. Interior mutability in a value is not transactional.
//! Variables that refer to each other in a circle are not freed, as with `Arc`. A domain holds
//! 2^32 objects and as many variables.
//!
//! # Sources
//!
//! Multi-version STM with read-only transactions that need no read set: Cachopo and Rito-Silva,
//! *Versioned Boxes as the Basis for Memory Transactions* (2006). Commit by locking the write set
//! and a global clock: Dice, Shalev and Shavit, *Transactional Locking II* (2006). Blocking and
//! alternatives: Harris, Marlow, Peyton Jones and Herlihy, *Composable Memory Transactions* (2005).
//! Pruning inside the chain against the live snapshots: Boettcher, Leis, Neumann and Kemper,
//! *Scalable Garbage Collection for In-Memory MVCC Systems* (2019).

#[cfg(chaos)]
pub mod chaos;
mod clock;
mod commit;
mod contention;
mod domain;
mod error;
mod event;
mod handle;
mod kind;
mod kind_map;
pub mod layer;
#[cfg(all(test, loom))]
mod models;
mod prefetched;
mod raw;
mod reclaim;
mod retry;
#[cfg(all(test, shuttle))]
mod schedules;
mod snapshot;
mod stats;
mod sync;
mod tvar;
mod txn;

pub use clock::{CommitTs, Era, Seq};
pub use domain::{Domain, DomainBuilder, EraAdvance};
pub use error::{AccessError, EraExhausted, Retry, Stm, Stop, TooManyDomains, TxError};
pub use event::{AbortCause, Event};
pub use handle::Handle;
pub use kind::Kind;
pub use prefetched::Prefetched;
pub use snapshot::{HeldSnapshot, Snapshot};
pub use stats::Stats;
pub use tvar::TVar;
pub use txn::{Committed, MayBlock, Transaction, Tx};
#[cfg(not(any(loom, shuttle)))]
pub use txn::{atomically, snapshot, try_atomically};
