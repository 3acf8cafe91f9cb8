//! Oracles for the packages of this workspace, and the tests that need several of them at once.
//!
//! # What is here
//!
//! [`history`] answers one question about a run of a transactional memory: *was it correct?*
//! Threads record what each transaction read, wrote and how it ended; afterwards an offline checker
//! decides whether the committed transactions were strictly serializable and whether every
//! transaction, also each one that aborted, saw one consistent snapshot (opacity). When the answer
//! is no, it names the anomaly and the transactions.
//!
//! [`oracle`] answers another one about a heap that is upgraded lazily: *is it what eager conversion
//! would have given?* It replays what was recorded on a plain memory that converts everything at
//! each flip.
//!
//! [`random`] is the source of choices for the tests that make histories.
//!
//! Nothing here knows how the transactional memory under test works. The package depends on the
//! standard library alone, so a fault in the code under test cannot hide a fault in its oracle.

pub mod history;
pub mod oracle;
pub mod random;
