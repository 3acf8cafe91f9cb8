//! What a transformer may see and do besides its own object.

use std::any::Any;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::AnyVersion;
use crate::error::{Segment, TransformError, TransformErrorKind};
use crate::lineage::TypeVersion;

/// The context of a transformer: it knows where in the object the transformer is, and is the door
/// to the heap, where there is one.
///
/// Where the transformer is costs nothing while all goes well: each [`field`](Self::field) adds
/// its name to an error on the way out, and to a panic as it unwinds.
///
/// ```
/// use upgradable::{Cx, UpgradeFrom};
///
/// let mut cx = Cx::detached();
/// let widened = <Vec<u64>>::upgrade_from(&vec![1_u32, 2], &mut cx)?;
/// assert_eq!(widened, [1, 2]);
/// # Ok::<(), upgradable::TransformError>(())
/// ```
pub struct Cx<'h> {
    host: Option<&'h dyn CxHost>,
    /// Where a panic came from, innermost segment first.
    panicked_at: Vec<Segment>,
}

/// The heap's side of a [`Cx`]. Implemented by the heap, never by users.
pub trait CxHost {
    /// The object's value as of the flip, as the version of its lineage that `wanted` names.
    ///
    /// # Errors
    ///
    /// When there is no such object or version.
    fn read_at_flip(
        &self,
        object: ObjectToken,
        wanted: TypeVersion,
    ) -> Result<&dyn AnyVersion, TransformError>;

    /// Creates an object that nobody sees unless the transformation is installed.
    ///
    /// # Errors
    ///
    /// When the heap cannot.
    fn create(&self, value: Box<dyn AnyVersion>) -> Result<ObjectToken, TransformError>;
}

/// An object, as the heap names it in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectToken(pub u64);

impl Cx<'static> {
    /// A context without a heap: for values on their own, as in tests.
    #[must_use]
    pub fn detached() -> Self {
        Self { host: None, panicked_at: Vec::new() }
    }
}

impl<'h> Cx<'h> {
    pub(crate) fn hosted(host: &'h dyn CxHost) -> Self {
        Self { host: Some(host), panicked_at: Vec::new() }
    }

    pub(crate) fn host(&self) -> Result<&'h dyn CxHost, TransformError> {
        self.host.ok_or_else(|| TransformErrorKind::NoHeap.into())
    }

    /// Runs `f`, for the field `name`: errors and panics in it carry the name.
    ///
    /// ```
    /// use upgradable::{Cx, TransformError};
    ///
    /// let failed = Cx::detached().field("price", |_| Err::<(), _>(TransformError::from("free")));
    /// assert_eq!(failed.expect_err("it fails").to_string(), "at `price`: the conversion failed");
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `f`.
    #[inline]
    pub fn field<T>(
        &mut self,
        name: &'static str,
        f: impl FnOnce(&mut Self) -> Result<T, TransformError>,
    ) -> Result<T, TransformError> {
        self.within(Segment::Field(name), f)
    }

    /// Runs `f`, for the element at `index` of a sequence.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    #[inline]
    pub fn index<T>(
        &mut self,
        index: usize,
        f: impl FnOnce(&mut Self) -> Result<T, TransformError>,
    ) -> Result<T, TransformError> {
        self.within(Segment::Index(index), f)
    }

    /// Runs `f`, for the entry at `position` of a map or set, in the order of iteration.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    #[inline]
    pub fn entry<T>(
        &mut self,
        position: usize,
        f: impl FnOnce(&mut Self) -> Result<T, TransformError>,
    ) -> Result<T, TransformError> {
        self.within(Segment::Entry(position), f)
    }

    /// Runs `f`, for a whole value that goes from one type version to another: errors carry the
    /// outermost pair.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    #[inline]
    pub fn step<T>(
        &mut self,
        from: TypeVersion,
        to: TypeVersion,
        f: impl FnOnce(&mut Self) -> Result<T, TransformError>,
    ) -> Result<T, TransformError> {
        f(self).map_err(|error| error.in_step(from, to))
    }

    /// Runs `f` and makes an error of a panic in it, that tells the field it came from.
    ///
    /// ```
    /// use upgradable::{Cx, TransformError};
    ///
    /// let failed = Cx::detached().catch_panic(|cx| {
    ///     cx.field("lines", |cx| cx.index(3, |_| -> Result<(), TransformError> { panic!("odd") }))
    /// });
    /// let message = failed.expect_err("it panics").to_string();
    /// assert_eq!(message, "at `lines[3]`: the transformer panicked: odd");
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `f`, and [`Panicked`](TransformErrorKind::Panicked).
    pub fn catch_panic<T>(
        &mut self,
        f: impl FnOnce(&mut Self) -> Result<T, TransformError>,
    ) -> Result<T, TransformError> {
        let outside = mem::take(&mut self.panicked_at);
        // Nothing that `f` leaves half done is looked at again: it had only shared references,
        // and of the context only `panicked_at`, which is read here.
        let result = catch_unwind(AssertUnwindSafe(|| f(self)));
        let panicked_at = mem::replace(&mut self.panicked_at, outside);
        result.unwrap_or_else(|payload| {
            let message = message_of(payload.as_ref());
            let error = TransformError::from(TransformErrorKind::Panicked { message });
            Err(panicked_at.into_iter().fold(error, TransformError::within))
        })
    }

    #[inline]
    fn within<T>(
        &mut self,
        segment: Segment,
        f: impl FnOnce(&mut Self) -> Result<T, TransformError>,
    ) -> Result<T, TransformError> {
        let frame = Frame { cx: self, segment };
        let result = f(frame.cx);
        // Only a panic may drop the frame.
        mem::forget(frame);
        result.map_err(|error| error.within(segment))
    }
}

/// Adds its segment to the path as a panic unwinds through it.
struct Frame<'a, 'h> {
    cx: &'a mut Cx<'h>,
    segment: Segment,
}

impl Drop for Frame<'_, '_> {
    fn drop(&mut self) {
        self.cx.panicked_at.push(self.segment);
    }
}

impl fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("hosted", &self.host.is_some()).finish_non_exhaustive()
    }
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    if let Some(message) = payload.downcast_ref::<&str>() {
        (*message).to_owned()
    } else if let Some(message) = payload.downcast_ref::<String>() {
        message.clone()
    } else {
        "a payload that is no text".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use super::Cx;
    use crate::error::TransformError;

    /// Panics without the hook's message on the test's output.
    fn panic_quietly() -> Result<(), TransformError> {
        resume_unwind(Box::new("odd"))
    }

    #[test]
    fn a_panic_tells_its_path_and_leaves_no_trace() {
        let mut cx = Cx::detached();
        for _ in 0..2 {
            let failed = cx.catch_panic(|cx| {
                cx.field("a", |_| Ok(()))?;
                cx.field("b", |cx| {
                    let _ = cx.field("c", |_| Err::<(), _>(TransformError::from("passed over")));
                    cx.entry(1, |_| panic_quietly())
                })
            });
            let error = failed.expect_err("it panics");
            assert_eq!(error.path().to_string(), "b[#1]");
            assert!(cx.panicked_at.is_empty());
        }
    }

    #[test]
    fn a_panic_inside_a_caught_one_belongs_to_the_inner() {
        let mut cx = Cx::detached();
        let failed = cx.catch_panic(|cx| {
            cx.field("outer", |cx| {
                let inner = cx.catch_panic(|cx| cx.field("inner", |_| panic_quietly()));
                assert_eq!(inner.expect_err("it panics").path().to_string(), "inner");
                panic_quietly()
            })
        });
        assert_eq!(failed.expect_err("it panics").path().to_string(), "outer");
    }
}
