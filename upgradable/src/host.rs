//! The seam between transformers and the heap. Not for users; may change in any release.

pub use crate::transformer::{CxHost, ObjectToken};

use crate::error::TransformError;
use crate::lineage::{TypeVersion, Upgradable};
use crate::transformer::{AnyVersion, Cx};

/// A context whose transformers see the heap behind `host`.
#[must_use]
pub fn hosted(host: &dyn CxHost) -> Cx<'_> {
    Cx::hosted(host)
}

/// Reads another object as of the flip.
///
/// # Errors
///
/// [`NoHeap`](crate::TransformErrorKind::NoHeap) in a detached context, and the host's.
pub fn read_at_flip<'h, T: Upgradable>(
    cx: &Cx<'h>,
    object: ObjectToken,
) -> Result<&'h dyn AnyVersion, TransformError> {
    cx.host()?.read_at_flip(object, TypeVersion::of::<T>())
}

/// Creates an object that is installed together with the transformed value.
///
/// # Errors
///
/// [`NoHeap`](crate::TransformErrorKind::NoHeap) in a detached context, and the host's.
pub fn create<T: Upgradable>(cx: &Cx<'_>, value: T) -> Result<ObjectToken, TransformError> {
    cx.host()?.create(Box::new(value))
}
