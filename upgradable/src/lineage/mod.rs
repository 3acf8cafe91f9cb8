//! What a type is across its versions: its lineage, its place in it, its shape.
//!
//! # Definitions
//!
//! - A **lineage** is all type versions of one type, by name.
//! - A **type version** is one step of a lineage: name, number and [`Fingerprint`].
//! - The **predecessor** of a type version is the one type it is upgraded from, or [`Origin`].
//!
//! # Invariants
//!
//! 1. A type version and its predecessor have the same lineage, and the number grows.
//! 2. One lineage name and one number stand for one fingerprint: [`Registry::register`] refuses
//!    the second.
//! 3. A fingerprint does not depend on anything but the type's own description: the same source
//!    gives the same fingerprint in every build for one target.

mod fingerprint;
mod name;
mod registry;
mod shape;
mod type_version;

pub use self::fingerprint::{Fingerprint, FingerprintBuilder};
pub use self::name::NameBuilder;
pub use self::registry::{Registration, Registry, RegistryError, registered};
pub use self::shape::Shape;
pub use self::type_version::{Origin, Predecessor, TypeVersion, Upgradable};

pub(crate) use self::name::same_name;
