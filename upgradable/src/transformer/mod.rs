//! From an old type version to the next, and back.
//!
//! # Definitions
//!
//! - A **transformer** is a lens. Forward, [`UpgradeFrom::upgrade_from`] makes the new value of
//!   the old one. Backward, [`UpgradeFrom::put`] makes an old value of the new one and of what the
//!   old version held at the flip.
//! - A transformer is **lawful** when `put(get(s), s) == s` (going back at once changes nothing)
//!   and `get(put(v, s)) == v` (going back and forth loses nothing), the second up to fields that
//!   only the new version has.
//!
//! # Operations
//!
//! - Values of one type are cloned.
//! - Containers are transformed element by element. Sequences find the old partner of an element
//!   by position, maps by key.
//! - Numbers widen, and come back while they fit.
//! - [`Profile`] tells what is known of all this before it runs.

mod cx;
mod erased;
mod host;
mod leaf;
mod map;
mod profile;
mod sequence;
mod wrapper;

use crate::error::{TransformError, TransformErrorKind};

pub use self::cx::Cx;
pub use self::erased::{AnyVersion, Step};
pub(crate) use self::host::Surroundings;
pub use self::profile::{Facts, Part, Profile};

/// How a value of `Self` comes from a value of `Old`, and how it goes back.
///
/// [`macro@crate::Upgradable`] derives it; what it cannot say is written by hand, with
/// `#[upgrade(manual)]`. One trait holds both directions, so that generic code that upgrades can
/// always ask whether it can undo.
///
/// ```
/// use upgradable::{Cx, Profile, TransformError, UpgradeFrom};
///
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone, PartialEq, Debug)]
/// #     pub struct Name { pub full: String }
/// # }
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Name, manual)]
/// struct Name { first: String, last: String }
///
/// impl UpgradeFrom<v1::Name> for Name {
///     const PROFILE: Profile = Profile::both_ways();
///
///     fn upgrade_from(old: &v1::Name, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
///         cx.field("full", |_| {
///             let (first, last) = old.full.split_once(' ').ok_or("a name of one word")?;
///             Ok(Self { first: first.to_owned(), last: last.to_owned() })
///         })
///     }
///
///     fn put(
///         new: &Self,
///         _: Option<&v1::Name>,
///         _: &mut Cx<'_>,
///     ) -> Result<v1::Name, TransformError> {
///         Ok(v1::Name { full: format!("{} {}", new.first, new.last) })
///     }
/// }
///
/// let mut cx = Cx::detached();
/// let old = v1::Name { full: "Ada Lovelace".to_owned() };
/// let new = Name::upgrade_from(&old, &mut cx)?;
/// assert_eq!(new.last, "Lovelace");
/// assert_eq!(Name::put(&new, Some(&old), &mut cx)?, old);
/// # Ok::<(), TransformError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "cannot upgrade `{Old}` into `{Self}`",
    label = "no transformer from `{Old}`",
    note = "for a field, add `#[upgrade(with = path::to::fn)]`",
    note = "for a type, write `from` in its `#[upgrade(...)]`, or `impl UpgradeFrom<{Old}> for \
            {Self}`"
)]
pub trait UpgradeFrom<Old>: Sized {
    /// What is known before the transformer runs. A hand-written one that says nothing is taken
    /// to have no way back and to read other objects.
    const PROFILE: Profile = Profile::UNKNOWN;

    /// The new value of `old`. The old one stays as it is, for transactions still in flight.
    ///
    /// # Errors
    ///
    /// Whatever keeps this value from being transformed. The object then keeps its old form, and
    /// the upgrade's policy decides.
    ///
    /// # Retry safety
    ///
    /// May run more than once on one value, on several threads, at any time after the flip. It
    /// must depend on nothing but `old` and what `cx` shows, and change nothing outside.
    fn upgrade_from(old: &Old, cx: &mut Cx<'_>) -> Result<Self, TransformError>;

    /// The old value that `new` goes back to. `old_at_flip` is what the old version held when it
    /// was upgraded; removed fields come back from it. It is `None` for what was created since: a
    /// new object, or an element added to a sequence.
    ///
    /// # Errors
    ///
    /// [`NotReversible`](TransformErrorKind::NotReversible) where [`PROFILE`](Self::PROFILE) says
    /// so, [`NoOldValue`](TransformErrorKind::NoOldValue) and
    /// [`OutOfRange`](TransformErrorKind::OutOfRange) for single values.
    ///
    /// # Retry safety
    ///
    /// As [`upgrade_from`](Self::upgrade_from).
    fn put(new: &Self, old_at_flip: Option<&Old>, cx: &mut Cx<'_>) -> Result<Old, TransformError> {
        let _ = (new, old_at_flip, cx);
        let why = Self::PROFILE.facts().why_one_way().unwrap_or("the transformer has no `put`");
        Err(TransformErrorKind::NotReversible { why }.into())
    }
}
