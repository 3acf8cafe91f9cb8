//! What can go wrong in a transformer, and where.

use std::error::Error;
use std::fmt;

use crate::lineage::TypeVersion;

/// Any error, as transformers hand it on.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// A transformer failed: why, in which step, at which field.
///
/// ```
/// use upgradable::{Cx, TransformErrorKind, UpgradeFrom};
///
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone)]
/// #     pub struct Line { pub price: String }
/// #     #[derive(upgradable::Upgradable, Clone)]
/// #     pub struct Order { pub lines: Vec<Line> }
/// # }
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Line)]
/// struct Line { #[upgrade(try_with = |text: &str| text.parse::<u32>())] price: u32 }
///
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Order)]
/// struct Order { lines: Vec<Line> }
///
/// let line = |price: &str| v1::Line { price: price.to_owned() };
/// let old = v1::Order { lines: vec![line("1"), line("two")] };
/// let error = Order::upgrade_from(&old, &mut Cx::detached()).err().expect("`two` is no number");
/// assert_eq!(error.to_string(), "Order 1 -> Order 2 at `lines[1].price`: the conversion failed");
/// assert!(matches!(error.kind(), TransformErrorKind::Conversion { .. }));
/// # let _ = |o: Order| o.lines[0].price;
/// ```
pub struct TransformError(Box<Inner>);

struct Inner {
    kind: TransformErrorKind,
    /// Innermost segment first: each frame adds its own on the way out.
    path: Vec<Segment>,
    /// The outermost step: of the object, not of what is nested in it.
    step: Option<(TypeVersion, TypeVersion)>,
}

impl TransformError {
    /// A failure of the user's own: what hand-written transformers return.
    ///
    /// ```
    /// use upgradable::TransformError;
    ///
    /// let error = TransformError::new("the ledger is closed");
    /// assert_eq!(error.kind().to_string(), "the conversion failed");
    /// let source = std::error::Error::source(&error).expect("the cause is kept");
    /// assert_eq!(source.to_string(), "the ledger is closed");
    /// ```
    #[must_use]
    pub fn new(source: impl Into<BoxError>) -> Self {
        match source.into().downcast::<Self>() {
            Ok(already) => *already,
            Err(source) => TransformErrorKind::Conversion { source }.into(),
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &TransformErrorKind {
        &self.0.kind
    }

    /// Where: the path of fields from the object to the culprit.
    #[must_use]
    pub fn path(&self) -> FieldPath<'_> {
        FieldPath(&self.0.path)
    }

    /// The versions between which the object was transformed, source first.
    #[must_use]
    pub fn step(&self) -> Option<(TypeVersion, TypeVersion)> {
        self.0.step
    }

    pub(crate) fn within(mut self, segment: Segment) -> Self {
        self.0.path.push(segment);
        self
    }

    pub(crate) fn in_step(mut self, from: TypeVersion, to: TypeVersion) -> Self {
        self.0.step = Some((from, to));
        self
    }
}

impl From<TransformErrorKind> for TransformError {
    fn from(kind: TransformErrorKind) -> Self {
        Self(Box::new(Inner { kind, path: Vec::new(), step: None }))
    }
}

/// A failure told in words, for `?` in hand-written transformers.
impl From<&'static str> for TransformError {
    fn from(message: &'static str) -> Self {
        Self::new(message)
    }
}

/// A failure told in words, for `?` in hand-written transformers.
impl From<String> for TransformError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// A failure of any kind, for `?` in hand-written transformers.
impl From<BoxError> for TransformError {
    fn from(source: BoxError) -> Self {
        Self::new(source)
    }
}

impl fmt::Debug for TransformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransformError")
            .field("kind", &self.0.kind)
            .field("path", &self.path().to_string())
            .field("step", &self.0.step)
            .finish()
    }
}

impl fmt::Display for TransformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((from, to)) = self.0.step {
            write!(f, "{from} -> {to}")?;
        }
        if !self.0.path.is_empty() {
            let space = if self.0.step.is_some() { " " } else { "" };
            write!(f, "{space}at `{}`", self.path())?;
        }
        if self.0.step.is_some() || !self.0.path.is_empty() {
            f.write_str(": ")?;
        }
        self.0.kind.fmt(f)
    }
}

impl Error for TransformError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.kind.source()
    }
}

/// What went wrong in a transformer.
///
/// ```
/// use upgradable::{Cx, TransformErrorKind, UpgradeFrom};
///
/// // `u64` from `u32` can be undone only while the value fits.
/// let error = <u64 as UpgradeFrom<u32>>::put(&(1 << 40), None, &mut Cx::detached());
/// assert!(matches!(
///     error.expect_err("too large").kind(),
///     TransformErrorKind::OutOfRange { .. },
/// ));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransformErrorKind {
    /// A conversion function, or a hand-written transformer, returned an error.
    #[error("the conversion failed")]
    #[non_exhaustive]
    Conversion {
        /// What it returned.
        source: BoxError,
    },

    /// On the way back, a value has outgrown the old type.
    #[error("{value} does not fit into `{target}`")]
    #[non_exhaustive]
    OutOfRange {
        /// The value.
        value: String,
        /// The old type.
        target: &'static str,
    },

    /// Two keys of a map, or two elements of a set, became equal.
    #[error("two keys become equal")]
    KeyCollision,

    /// There is no way back, see [`Profile`](crate::Profile).
    #[error("there is no way back: {why}")]
    #[non_exhaustive]
    NotReversible {
        /// The reason.
        why: &'static str,
    },

    /// A removed field has to come back, but its owner did not exist at the flip.
    #[error("a removed field has no value to come back with, as its owner is newer than the flip")]
    NoOldValue,

    /// The transformer asked for other objects, and runs without a heap.
    #[error("there is no heap here to read or create objects in")]
    NoHeap,

    /// The transformer read another object, and its profile says that it does not.
    #[error(
        "the transformer reads other objects, and its profile does not say so: add \
         `Profile::reading_others`"
    )]
    NotDeclared,

    /// A transformer looks, by a transaction, at the object that it transforms, or it is the last of
    /// too many that wait for each other in this way. Through [`Cx::read`](crate::Cx::read), which
    /// shows objects as of the flip, this can't happen.
    #[error(
        "the object's transformer waits for it, by a transaction: use `Cx::read`, which shows \
         objects as of the flip"
    )]
    Circular,

    /// The transformer ran for longer than the upgrade allows.
    #[error("the transformer has not come back after {limit:?}")]
    #[non_exhaustive]
    TimedOut {
        /// What the upgrade allows.
        limit: std::time::Duration,
    },

    /// So many transformers of the upgrade have not come back after their time that no other is
    /// begun before one of them does.
    #[error("{limit} transformers of the upgrade hang, and no more are begun meanwhile")]
    #[non_exhaustive]
    TooManyHanging {
        /// How many may hang.
        limit: usize,
    },

    /// A step was given a value of another type than the one it begins with.
    #[error("a value of `{found}` was given to a step from `{expected}`")]
    #[non_exhaustive]
    WrongType {
        /// What the step begins with.
        expected: TypeVersion,
        /// What it was given.
        found: TypeVersion,
    },

    /// The transformer panicked.
    #[error("the transformer panicked: {message}")]
    #[non_exhaustive]
    Panicked {
        /// The panic's message.
        message: String,
    },

    /// The heap could not do what the transformer asked.
    #[error("the heap refused")]
    #[non_exhaustive]
    Host {
        /// Its reason.
        source: BoxError,
    },
}

/// One step of a [`FieldPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segment {
    /// A field, by name or by position, or a variant.
    Field(&'static str),
    /// An element of a sequence.
    Index(usize),
    /// An entry of a map or set, in the order of iteration.
    Entry(usize),
}

/// The way from an object to one of its parts: `lines[3].price`.
///
/// ```
/// use upgradable::{Cx, TransformError};
///
/// let mut cx = Cx::detached();
/// let error = cx
///     .field("lines", |cx| {
///         cx.index(3, |cx| cx.field("price", |_| Err::<(), _>(TransformError::new("negative"))))
///     })
///     .expect_err("it fails");
/// assert_eq!(error.path().to_string(), "lines[3].price");
/// ```
#[derive(Clone, Copy)]
pub struct FieldPath<'a>(pub(crate) &'a [Segment]);

impl<'a> FieldPath<'a> {
    /// The segments, from the object inwards.
    pub fn segments(self) -> impl Iterator<Item = Segment> + 'a {
        self.0.iter().rev().copied()
    }
}

impl fmt::Debug for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.segments().enumerate() {
            match segment {
                Segment::Field(name) if at == 0 => write!(f, "{name}")?,
                Segment::Field(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Entry(entry) => write!(f, "[#{entry}]")?,
            }
        }
        Ok(())
    }
}
