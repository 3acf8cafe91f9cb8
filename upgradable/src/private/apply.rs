//! Calls of the functions that users name: by value, by reference, or by what the value
//! dereferences to, whichever the function takes.
//!
//! As with routes, method lookup takes the first that applies. By value comes first, so that
//! generic functions such as `ToString::to_string` and `u64::from` find the form they were
//! written for. Closures without types on their parameters do not come here: only a plain call
//! tells the compiler what they take.

use core::ops::Deref;

use crate::error::{BoxError, TransformError};

/// A function of `with` or `try_with`, and the old value.
#[derive(Debug)]
pub struct With<'a, F, O> {
    function: F,
    old: &'a O,
}

impl<'a, F, O> With<'a, F, O> {
    pub fn new(function: F, old: &'a O) -> Self {
        Self { function, old }
    }

    pub fn __upgradable_apply<R>(&self) -> R
    where
        F: ConvertsFrom<O>,
    {
        unreachable!("its bound does not hold")
    }
}

/// Nothing implements it; it carries the message.
#[diagnostic::on_unimplemented(
    message = "this function cannot take the old field of type `{O}`",
    label = "must be a function of one argument: `{O}` or `&{O}`"
)]
pub trait ConvertsFrom<O> {}

pub trait WithByValue {
    type Result;
    fn __upgradable_apply(&self) -> Self::Result;
}

impl<F: Fn(O) -> R, O: Clone, R> WithByValue for &&&With<'_, F, O> {
    type Result = R;

    #[inline]
    fn __upgradable_apply(&self) -> R {
        (self.function)(self.old.clone())
    }
}

pub trait WithByRef {
    type Result;
    fn __upgradable_apply(&self) -> Self::Result;
}

impl<F: Fn(&O) -> R, O, R> WithByRef for &&With<'_, F, O> {
    type Result = R;

    #[inline]
    fn __upgradable_apply(&self) -> R {
        (self.function)(self.old)
    }
}

pub trait WithByTarget {
    type Result;
    fn __upgradable_apply(&self) -> Self::Result;
}

impl<F: Fn(&O::Target) -> R, O: Deref, R> WithByTarget for &With<'_, F, O> {
    type Result = R;

    #[inline]
    fn __upgradable_apply(&self) -> R {
        (self.function)(self.old)
    }
}

/// A closure whose parameter has no type: it is given a reference.
#[inline]
pub fn call_with<O, R>(function: impl FnOnce(&O) -> R, old: &O) -> R {
    function(old)
}

/// The result of `try_with`.
#[inline]
pub fn fallible<R, E: Into<BoxError>>(result: Result<R, E>) -> Result<R, TransformError> {
    result.map_err(TransformError::new)
}

/// The result of `back`, which is of the old value's type.
#[inline]
pub fn ok_like<O>(_: Option<&O>, old: O) -> Result<O, TransformError> {
    Ok(old)
}

/// The result of `try_back`, which is of the old value's type.
#[inline]
pub fn fallible_like<O, E: Into<BoxError>>(
    _: Option<&O>,
    old: Result<O, E>,
) -> Result<O, TransformError> {
    fallible(old)
}

/// A function of `back` or `try_back`, the new value, and the old one at the flip.
#[derive(Debug)]
pub struct Back<'a, F, N, O> {
    function: F,
    new: &'a N,
    old_at_flip: Option<&'a O>,
}

impl<'a, F, N, O> Back<'a, F, N, O> {
    pub fn new(function: F, new: &'a N, old_at_flip: Option<&'a O>) -> Self {
        Self { function, new, old_at_flip }
    }

    pub fn __upgradable_apply<R>(&self) -> R
    where
        F: ConvertsBackFrom<N, O>,
    {
        unreachable!("its bound does not hold")
    }
}

/// Nothing implements it; it carries the message.
#[diagnostic::on_unimplemented(
    message = "this function cannot take the new field of type `{N}`",
    label = "must be a function of `{N}` or `&{N}`, or of `(&{N}, Option<&{O}>)`"
)]
pub trait ConvertsBackFrom<N, O> {}

pub trait BackByValue {
    type Result;
    fn __upgradable_apply(&self) -> Self::Result;
}

impl<F: Fn(N) -> R, N: Clone, O, R> BackByValue for &&&&Back<'_, F, N, O> {
    type Result = R;

    #[inline]
    fn __upgradable_apply(&self) -> R {
        (self.function)(self.new.clone())
    }
}

pub trait BackByRef {
    type Result;
    fn __upgradable_apply(&self) -> Self::Result;
}

impl<F: Fn(&N) -> R, N, O, R> BackByRef for &&&Back<'_, F, N, O> {
    type Result = R;

    #[inline]
    fn __upgradable_apply(&self) -> R {
        (self.function)(self.new)
    }
}

pub trait BackByTarget {
    type Result;
    fn __upgradable_apply(&self) -> Self::Result;
}

impl<F: Fn(&N::Target) -> R, N: Deref, O, R> BackByTarget for &&Back<'_, F, N, O> {
    type Result = R;

    #[inline]
    fn __upgradable_apply(&self) -> R {
        (self.function)(self.new)
    }
}

pub trait BackOnto {
    type Result;
    fn __upgradable_apply(&self) -> Self::Result;
}

impl<F: Fn(&N, Option<&O>) -> R, N, O, R> BackOnto for &Back<'_, F, N, O> {
    type Result = R;

    #[inline]
    fn __upgradable_apply(&self) -> R {
        (self.function)(self.new, self.old_at_flip)
    }
}

/// A closure whose parameter has no type: it is given a reference.
#[inline]
pub fn call_back<N, R>(function: impl FnOnce(&N) -> R, new: &N) -> R {
    function(new)
}

/// A closure of two parameters: it is given the old value at the flip too.
#[inline]
pub fn call_back_onto<N, O, R>(
    function: impl FnOnce(&N, Option<&O>) -> R,
    new: &N,
    old_at_flip: Option<&O>,
) -> R {
    function(new, old_at_flip)
}
