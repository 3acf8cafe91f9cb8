//! How a field gets from its old type to its new one, found by the compiler.
//!
//! The derive sees the new type's tokens and not the old type at all. It writes
//! `(&&&&&Pair::<New, _>::of(old)).__upgradable_route()`, and method lookup takes the first that
//! applies, each one reference nearer to [`Pair`] than the one before:
//!
//! 1. one type: cloned;
//! 2. [`UpgradeFrom`];
//! 3. [`From`] in both directions;
//! 4. [`From`] forward only;
//! 5. nothing: an error that says what to write.
//!
//! The method's only result is a type that stands for the way found, a [`Route`]; so lookup works
//! in constants too, inside closures that nobody calls, as in [`profile_of`].

use core::marker::PhantomData;

use crate::error::{TransformError, TransformErrorKind};
use crate::transformer::{Cx, Part, Profile, UpgradeFrom};

/// A new type, and an old one that is inferred.
#[derive(Debug)]
pub struct Pair<N, O>(PhantomData<fn() -> (N, O)>);

impl<N, O> Pair<N, O> {
    pub fn of(_: &O) -> Self {
        Self(PhantomData)
    }

    /// For a new type that is inferred too, from a closure that selects it in its owner.
    pub fn in_owner<S>(_: impl FnOnce(&S) -> &N, _: &O) -> Self {
        Self(PhantomData)
    }

    /// For the way back, when there may be no old value.
    pub fn of_partner(_: Option<&O>) -> Self {
        Self(PhantomData)
    }

    /// As [`in_owner`](Self::in_owner), for the way back.
    pub fn in_owner_of_partner<S>(_: impl FnOnce(&S) -> &N, _: Option<&O>) -> Self {
        Self(PhantomData)
    }

    /// The last resort: the bound is on the method, so that its absence is told with the
    /// message of [`CarriedFrom`].
    pub fn __upgradable_route(&self) -> NoRoute<N, O>
    where
        N: CarriedFrom<O>,
    {
        NoRoute(PhantomData)
    }
}

/// Nothing implements it; it carries the message.
#[diagnostic::on_unimplemented(
    message = "cannot upgrade a field of type `{O}` into `{Self}`",
    label = "there is no way from `{O}` to `{Self}`",
    note = "add `#[upgrade(with = path::to::fn)]` to the field, or implement `UpgradeFrom<{O}>` \
            for `{Self}`"
)]
pub trait CarriedFrom<O> {}

/// A way from one type to another, and back.
pub trait Route {
    type New;
    type Old;
    fn profile() -> Profile;
    fn get(old: &Self::Old, cx: &mut Cx<'_>) -> Result<Self::New, TransformError>;
    fn put(
        new: &Self::New,
        old_at_flip: Option<&Self::Old>,
        cx: &mut Cx<'_>,
    ) -> Result<Self::Old, TransformError>;
}

#[inline]
pub fn get<R: Route>(_: R, old: &R::Old, cx: &mut Cx<'_>) -> Result<R::New, TransformError> {
    R::get(old, cx)
}

#[inline]
pub fn put<R: Route>(
    _: R,
    new: &R::New,
    old_at_flip: Option<&R::Old>,
    cx: &mut Cx<'_>,
) -> Result<R::Old, TransformError> {
    R::put(new, old_at_flip, cx)
}

/// The profile of the route that a closure from the old owner finds; the closure never runs.
pub const fn profile_of<C, S, R>(_: &C) -> Part
where
    C: Fn(&S) -> R,
    R: Route,
{
    Part::new(R::profile)
}

/// For the arms of such a closure that have no value.
pub fn unreachable() -> ! {
    unreachable!("the closure only tells a type")
}

macro_rules! route {
    (
        $(#[$doc:meta])*
        $level:ident for $receiver:ty =>
            $route:ident[$($param:ident),+] = $new:ident from $old:ident
        where [$($bound:tt)*]
        profile $profile:expr;
        get($get_old:pat, $get_cx:pat) $get:expr;
        put($put_new:pat, $put_old:pat, $put_cx:pat) $put:expr;
    ) => {
        $(#[$doc])*
        pub trait $level {
            type Route: Route;
            fn __upgradable_route(&self) -> Self::Route;
        }

        $(#[$doc])*
        #[derive(Debug)]
        pub struct $route<$($param),+>(PhantomData<fn() -> ($($param,)+)>);

        impl<$($param),+> $level for $receiver where $($bound)* {
            type Route = $route<$($param),+>;

            #[inline]
            fn __upgradable_route(&self) -> Self::Route {
                $route(PhantomData)
            }
        }

        impl<$($param),+> Route for $route<$($param),+> where $($bound)* {
            type New = $new;
            type Old = $old;

            fn profile() -> Profile {
                $profile
            }

            #[inline]
            fn get($get_old: &$old, $get_cx: &mut Cx<'_>) -> Result<$new, TransformError> {
                $get
            }

            #[inline]
            fn put(
                $put_new: &$new,
                $put_old: Option<&$old>,
                $put_cx: &mut Cx<'_>,
            ) -> Result<$old, TransformError> {
                $put
            }
        }
    };
}

route! {
    /// One type on both sides.
    PairOfOne for &&&&Pair<T, T> => OneType[T] = T from T
    where [T: Clone]
    profile Profile::both_ways();
    get(old, _) Ok(old.clone());
    put(new, _, _) Ok(new.clone());
}

route! {
    /// A transformer.
    PairOfUpgrade for &&&Pair<N, O> => ByUpgrade[N, O] = N from O
    where [N: UpgradeFrom<O>]
    profile N::PROFILE;
    get(old, cx) N::upgrade_from(old, cx);
    put(new, old, cx) N::put(new, old, cx);
}

route! {
    /// Conversions in both directions.
    PairBothWays for &&Pair<N, O> => BothWays[N, O] = N from O
    where [N: From<O> + Clone, O: From<N> + Clone]
    profile Profile::both_ways();
    get(old, _) Ok(N::from(old.clone()));
    put(new, _, _) Ok(O::from(new.clone()));
}

route! {
    /// A conversion.
    PairByFrom for &Pair<N, O> => ByFrom[N, O] = N from O
    where [N: From<O>, O: Clone]
    profile Profile::one_way(ONLY_FROM);
    get(old, _) Ok(N::from(old.clone()));
    put(_, _, _) Err(TransformErrorKind::NotReversible { why: ONLY_FROM }.into());
}

const ONLY_FROM: &str = "a field is converted by `From`, which has no reverse; add `back`";

/// Where there is no way. Never made: its bound does not hold.
#[derive(Debug)]
pub struct NoRoute<N, O>(PhantomData<fn() -> (N, O)>);

impl<N, O> Route for NoRoute<N, O> {
    type New = N;
    type Old = O;

    fn profile() -> Profile {
        Profile::UNKNOWN
    }

    fn get(_: &O, _: &mut Cx<'_>) -> Result<N, TransformError> {
        unreachable()
    }

    fn put(_: &N, _: Option<&O>, _: &mut Cx<'_>) -> Result<O, TransformError> {
        unreachable()
    }
}
