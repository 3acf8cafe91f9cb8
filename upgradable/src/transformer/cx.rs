//! What a transformer may see and do besides its own object.

use std::any::Any;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::host::Host;
use crate::error::{Segment, TransformError, TransformErrorKind};
use crate::lineage::{TypeVersion, Upgradable};
use crate::object::Ref;

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
    host: Option<&'h Host<'h>>,
    /// Where a panic came from, innermost segment first.
    panicked_at: Vec<Segment>,
}

impl Cx<'static> {
    /// A context without a heap: for values on their own, as in tests.
    #[must_use]
    pub fn detached() -> Self {
        Self { host: None, panicked_at: Vec::new() }
    }
}

impl<'h> Cx<'h> {
    pub(crate) fn hosted(host: &'h Host<'h>) -> Self {
        Self { host: Some(host), panicked_at: Vec::new() }
    }

    fn host(&self) -> Result<&'h Host<'h>, TransformError> {
        self.host.ok_or_else(|| TransformErrorKind::NoHeap.into())
    }

    /// Another object, as it was at the instant of the flip, however late this runs: of the type
    /// that it had then. On the way back, as it is at the instant of the roll back.
    ///
    /// # Errors
    ///
    /// [`Host`](TransformErrorKind::Host) if there was no such object, or it was no `T`;
    /// [`NotDeclared`](TransformErrorKind::NotDeclared) if the transformer's
    /// [profile](crate::Profile::reading_others) says that it reads nothing;
    /// [`NoHeap`](TransformErrorKind::NoHeap) in a detached context.
    ///
    /// ```
    /// use upgradable::{Cx, Profile, Ref, TransformError, Upgradable, UpgradeFrom};
    ///
    /// # mod v1 {
    /// #     use upgradable::{Ref, Upgradable};
    /// #     #[derive(Upgradable, Clone)] #[upgrade(name = "shop.Rate")]
    /// #     pub struct Rate { pub percent: u32 }
    /// #     #[derive(Upgradable, Clone)] #[upgrade(name = "shop.Item")]
    /// #     pub struct Item { pub net: u32, pub rate: Ref<Rate> }
    /// # }
    /// #[derive(Upgradable, Clone)]
    /// #[upgrade(version = 2, from = v1::Item, manual)]
    /// struct Item { gross: u32 }
    ///
    /// impl UpgradeFrom<v1::Item> for Item {
    ///     const PROFILE: Profile = Profile::one_way("the rate is gone").reading_others();
    ///
    ///     fn upgrade_from(old: &v1::Item, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
    ///         let rate = cx.read(old.rate)?;
    ///         Ok(Self { gross: old.net * (100 + rate.percent) / 100 })
    ///     }
    /// }
    /// # let _ = |i: Item| i.gross;
    /// ```
    pub fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&'h T, TransformError> {
        self.host()?.read(object)
    }

    /// Creates an object, which comes to be with the transformed value, at the same instant. If
    /// that is not what the object becomes after all, the new one never was.
    ///
    /// # Errors
    ///
    /// [`Host`](TransformErrorKind::Host) if `T` is not the current version of its lineage;
    /// [`NoHeap`](TransformErrorKind::NoHeap) in a detached context.
    ///
    /// ```
    /// use upgradable::{Cx, Profile, Ref, TransformError, Upgradable, UpgradeFrom};
    ///
    /// # mod v1 {
    /// #     #[derive(upgradable::Upgradable, Clone)] #[upgrade(name = "shop.Customer")]
    /// #     pub struct Customer { pub name: String, pub street: String }
    /// # }
    /// #[derive(Upgradable, Clone)]
    /// struct Address { street: String }
    ///
    /// #[derive(Upgradable, Clone)]
    /// #[upgrade(version = 2, from = v1::Customer, manual)]
    /// struct Customer { name: String, address: Ref<Address> }
    ///
    /// impl UpgradeFrom<v1::Customer> for Customer {
    ///     const PROFILE: Profile = Profile::both_ways().reading_others();
    ///
    ///     fn upgrade_from(old: &v1::Customer, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
    ///         let address = cx.create(Address { street: old.street.clone() })?;
    ///         Ok(Self { name: old.name.clone(), address })
    ///     }
    ///
    ///     fn put(new: &Self, _: Option<&v1::Customer>, cx: &mut Cx<'_>)
    ///         -> Result<v1::Customer, TransformError>
    ///     {
    ///         let street = cx.read(new.address)?.street.clone();
    ///         Ok(v1::Customer { name: new.name.clone(), street })
    ///     }
    /// }
    /// ```
    pub fn create<T: Upgradable>(&self, value: T) -> Result<Ref<T>, TransformError> {
        self.host()?.create(value)
    }

    /// The object that is being transformed, for code that knows it as a `T`.
    ///
    /// # Errors
    ///
    /// [`NoHeap`](TransformErrorKind::NoHeap) in a detached context.
    ///
    /// ```
    /// # use upgradable::{Cx, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// assert!(Cx::detached().object::<Tag>().is_err());
    /// ```
    pub fn object<T: Upgradable>(&self) -> Result<Ref<T>, TransformError> {
        Ok(Ref::new(self.host()?.object()))
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
            // What was thrown may itself panic as it is dropped; then it is kept.
            if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(another);
            }
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
