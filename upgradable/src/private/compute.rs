//! Calls of `compute`: a function of the whole old object, or of that and the context.

use core::marker::PhantomData;

use crate::error::{BoxError, TransformError};
use crate::transformer::{Cx, Part, Profile};

/// A function of `compute`, and the type of the old object.
#[derive(Debug)]
pub struct Compute<F, O>(PhantomData<fn() -> (F, O)>);

impl<F, O> Compute<F, O> {
    pub fn of(_: &F, _: &O) -> Self {
        Self(PhantomData)
    }

    pub fn __upgradable_kind<R>(&self) -> NoKind<F, O, R>
    where
        F: ComputesFrom<O>,
    {
        NoKind(Self(PhantomData), PhantomData)
    }
}

/// Nothing implements it; it carries the message.
#[diagnostic::on_unimplemented(
    message = "this function cannot compute a field from `{O}`",
    label = "must be a function of `&{O}`, or of `(&{O}, &mut Cx<'_>)` with a `Result`"
)]
pub trait ComputesFrom<O> {}

/// A function of one kind.
pub trait Kind {
    type Function;
    type Old;
    type Value;
    fn profile() -> Profile;
    fn compute(
        function: Self::Function,
        old: &Self::Old,
        cx: &mut Cx<'_>,
    ) -> Result<Self::Value, TransformError>;
}

pub trait ComputeOfOld {
    type Kind;
    fn __upgradable_kind(&self) -> Self::Kind;
}

/// `Fn(&Old) -> R`
#[derive(Debug)]
pub struct OfOld<F, O>(PhantomData<fn() -> (F, O)>);

impl<F: Fn(&O) -> R, O, R> ComputeOfOld for &&Compute<F, O> {
    type Kind = OfOld<F, O>;

    fn __upgradable_kind(&self) -> Self::Kind {
        OfOld(PhantomData)
    }
}

impl<F: Fn(&O) -> R, O, R> Kind for OfOld<F, O> {
    type Function = F;
    type Old = O;
    type Value = R;

    fn profile() -> Profile {
        Profile::both_ways()
    }

    #[inline]
    fn compute(function: F, old: &O, _: &mut Cx<'_>) -> Result<R, TransformError> {
        Ok(function(old))
    }
}

pub trait ComputeWithCx {
    type Kind;
    fn __upgradable_kind(&self) -> Self::Kind;
}

/// `Fn(&Old, &mut Cx<'_>) -> Result<R, E>`
#[derive(Debug)]
pub struct WithCx<F, O>(PhantomData<fn() -> (F, O)>);

impl<F, O, R, E: Into<BoxError>> ComputeWithCx for &Compute<F, O>
where
    F: Fn(&O, &mut Cx<'_>) -> Result<R, E>,
{
    type Kind = WithCx<F, O>;

    fn __upgradable_kind(&self) -> Self::Kind {
        WithCx(PhantomData)
    }
}

impl<F, O, R, E: Into<BoxError>> Kind for WithCx<F, O>
where
    F: Fn(&O, &mut Cx<'_>) -> Result<R, E>,
{
    type Function = F;
    type Old = O;
    type Value = R;

    fn profile() -> Profile {
        Profile::both_ways().reading_others()
    }

    #[inline]
    fn compute(function: F, old: &O, cx: &mut Cx<'_>) -> Result<R, TransformError> {
        function(old, cx).map_err(TransformError::new)
    }
}

/// Where there is none. Never made: its bound does not hold.
#[derive(Debug)]
pub struct NoKind<F, O, R>(Compute<F, O>, PhantomData<fn() -> R>);

impl<F, O, R> Kind for NoKind<F, O, R> {
    type Function = F;
    type Old = O;
    type Value = R;

    fn profile() -> Profile {
        Profile::UNKNOWN
    }

    fn compute(_: F, _: &O, _: &mut Cx<'_>) -> Result<R, TransformError> {
        unreachable!("its bound does not hold")
    }
}

#[inline]
pub fn compute<K: Kind>(
    _: K,
    function: K::Function,
    old: &K::Old,
    cx: &mut Cx<'_>,
) -> Result<K::Value, TransformError> {
    K::compute(function, old, cx)
}

/// A closure with a context whose parameters have no types.
#[inline]
pub fn compute_with_cx<O, R, E: Into<BoxError>>(
    function: impl FnOnce(&O, &mut Cx<'_>) -> Result<R, E>,
    old: &O,
    cx: &mut Cx<'_>,
) -> Result<R, TransformError> {
    function(old, cx).map_err(TransformError::new)
}

/// The profile of the kind that a closure finds; the closure never runs.
pub const fn profile_of_compute<C, S, K>(_: &C) -> Part
where
    C: Fn(&S) -> K,
    K: Kind,
{
    Part::new(K::profile)
}

/// The profile of a closure that takes the context.
pub const READS_OTHERS: Part = Part::new(|| Profile::both_ways().reading_others());
