//! What is known of a transformer before it runs.
//!
//! A profile is a constant, yet types may contain one another: an expression contains statements,
//! a statement expressions. Constants that name each other do not compile. So a profile holds
//! what is known of a type itself, and *pointers to functions* that give the profiles of its
//! parts. [`Profile::facts`] follows them, each once.

use std::fmt;

/// What is known of a transformer before it runs, its parts included by reference.
///
/// ```
/// use upgradable::{Profile, UpgradeFrom};
///
/// # #[derive(Clone)] struct Money(i64);
/// # impl Money { fn from_cents(c: i64) -> Self { Self(c) } fn to_cents(&self) -> i64 { self.0 } }
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone)]
/// #     pub struct Account { pub cents: i64 }
/// # }
/// mod v2 {
///     # use super::*;
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "Account", version = 2, from = v1::Account)]
///     pub struct Account {
///         #[upgrade(from = "cents", with = Money::from_cents)]
///         pub balance: Money,
///     }
/// }
/// # fn main() {
/// let facts = <v2::Account as UpgradeFrom<v1::Account>>::PROFILE.facts();
/// assert!(!facts.is_reversible());
/// assert_eq!(facts.why_one_way(), Some("`with` has no `back`"));
/// assert_eq!(facts.one_way_at(), Some("Account.balance"));
/// # let _ = Money(1).to_cents();
/// # }
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Profile {
    own: Facts,
    parts: &'static [Part],
}

/// A part of a composite, by the function that gives its profile.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    profile: fn() -> Profile,
    place: Option<&'static str>,
    alone: bool,
}

impl Part {
    /// A part that goes back with the old value of the same place, where there is one.
    pub const fn new(profile: fn() -> Profile) -> Self {
        Self { profile, place: None, alone: false }
    }

    /// A part that never has an old value to help: a key, since partners are found by keys.
    pub const fn key(profile: fn() -> Profile) -> Self {
        Self { profile, place: None, alone: true }
    }

    /// Names the place in the user's types, for reasons.
    pub const fn at(mut self, place: &'static str) -> Self {
        self.place = Some(place);
        self
    }
}

impl Profile {
    /// Of a hand-written transformer that says nothing.
    pub const UNKNOWN: Self = Self::one_way("the transformer has no `put`").reading_others();

    /// There is a way back, from every value: [`put`](crate::UpgradeFrom::put) is written.
    pub const fn both_ways() -> Self {
        let own = Facts {
            why_one_way: None,
            one_way_at: None,
            needs_old: false,
            forgets: false,
            reads_others: false,
        };
        Self { own, parts: &[] }
    }

    /// There is no way back, for the reason given.
    pub const fn one_way(why: &'static str) -> Self {
        let mut profile = Self::both_ways();
        profile.own.why_one_way = Some(why);
        profile
    }

    /// The way back needs what the old version held at the flip.
    pub const fn needing_old(mut self) -> Self {
        self.own.needs_old = true;
        self
    }

    /// The way back drops something that only the new version has.
    pub const fn forgetting(mut self) -> Self {
        self.own.forgets = true;
        self
    }

    /// The transformer reads other objects than the one it transforms.
    pub const fn reading_others(mut self) -> Self {
        self.own.reads_others = true;
        self
    }

    /// Names the place that makes it one-way.
    #[doc(hidden)]
    pub const fn at(mut self, place: &'static str) -> Self {
        self.own.one_way_at = Some(place);
        self
    }

    /// Adds the parts.
    #[doc(hidden)]
    pub const fn with_parts(mut self, parts: &'static [Part]) -> Self {
        self.parts = parts;
        self
    }

    /// What follows from the profile and those of all its parts.
    ///
    /// ```
    /// use upgradable::{Profile, UpgradeFrom};
    ///
    /// let facts = <Vec<u64> as UpgradeFrom<Vec<u32>>>::PROFILE.facts();
    /// assert!(facts.is_reversible() && !facts.needs_old());
    /// ```
    #[must_use]
    pub fn facts(self) -> Facts {
        let mut facts = self.own;
        let mut seen = Vec::new();
        // Bounded: each function is followed at most twice, once in each role.
        let mut open = self.parts.to_vec();
        while let Some(part) = open.pop() {
            // Functions that the linker merged give the same profile, so they count as one.
            let visit = (part.profile as usize, part.alone);
            if seen.contains(&visit) {
                continue;
            }
            seen.push(visit);
            let profile = (part.profile)();
            facts = facts.and(profile.own.within(part));
            open.extend(profile.parts.iter().map(|inner| Part {
                place: inner.place.or(part.place),
                alone: inner.alone || part.alone,
                ..*inner
            }));
        }
        facts
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("own", &self.own)
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

/// What is known of a transformer as a whole; see [`Profile::facts`].
///
/// ```
/// use upgradable::Profile;
///
/// let facts = Profile::both_ways().needing_old().facts();
/// assert!(facts.is_reversible() && facts.needs_old() && !facts.forgets());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    why_one_way: Option<&'static str>,
    one_way_at: Option<&'static str>,
    needs_old: bool,
    forgets: bool,
    reads_others: bool,
}

impl Facts {
    /// Whether a value can go back. Single values may still fail to, as when a number has
    /// outgrown the old type.
    #[must_use]
    pub const fn is_reversible(self) -> bool {
        self.why_one_way.is_none()
    }

    /// Why no value can go back, if so.
    #[must_use]
    pub const fn why_one_way(self) -> Option<&'static str> {
        self.why_one_way
    }

    /// The place that is the reason: a type and its field or variant.
    #[must_use]
    pub const fn one_way_at(self) -> Option<&'static str> {
        self.one_way_at
    }

    /// Whether going back needs what the old version held at the flip, so that values created
    /// since then cannot.
    #[must_use]
    pub const fn needs_old(self) -> bool {
        self.needs_old
    }

    /// Whether going back drops fields or variants that only the new version has.
    #[must_use]
    pub const fn forgets(self) -> bool {
        self.forgets
    }

    /// Whether it reads other objects, as of the flip.
    #[must_use]
    pub const fn reads_others(self) -> bool {
        self.reads_others
    }

    /// The first reason stands.
    const fn and(self, other: Self) -> Self {
        let reason = if self.why_one_way.is_some() { self } else { other };
        Self {
            why_one_way: reason.why_one_way,
            one_way_at: reason.one_way_at,
            needs_old: self.needs_old || other.needs_old,
            forgets: self.forgets || other.forgets,
            reads_others: self.reads_others || other.reads_others,
        }
    }

    /// These facts, of what is in the place of `part`.
    fn within(mut self, part: Part) -> Self {
        if part.alone && self.needs_old && self.why_one_way.is_none() {
            self.why_one_way = Some("a key cannot come back without the old value it had");
            self.needs_old = false;
        }
        if self.why_one_way.is_some() {
            self.one_way_at = self.one_way_at.or(part.place);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Profile};

    fn reversible() -> Profile {
        Profile::both_ways()
    }

    fn needs_old() -> Profile {
        Profile::both_ways().needing_old()
    }

    fn one_way() -> Profile {
        Profile::one_way("because").reading_others()
    }

    /// Contains itself, through itself and through another.
    fn knot() -> Profile {
        Profile::both_ways().with_parts(const { &[Part::new(other_knot)] })
    }

    fn other_knot() -> Profile {
        Profile::both_ways().with_parts(const { &[Part::new(knot), Part::new(one_way)] })
    }

    #[test]
    fn parts_count() {
        let profile = reversible().with_parts(const { &[Part::new(needs_old)] });
        assert!(profile.facts().is_reversible() && profile.facts().needs_old());
        let profile = profile.with_parts(const { &[Part::new(one_way)] });
        assert_eq!(profile.facts().why_one_way(), Some("because"));
        assert!(profile.facts().reads_others());
    }

    #[test]
    fn keys_stand_alone() {
        let profile = reversible().with_parts(const { &[Part::key(needs_old)] });
        assert!(!profile.facts().is_reversible());
        let profile = reversible().with_parts(const { &[Part::key(reversible)] });
        assert!(profile.facts().is_reversible());
    }

    #[test]
    fn what_is_inside_a_key_stands_alone_too() {
        fn nested() -> Profile {
            Profile::both_ways().with_parts(const { &[Part::new(needs_old)] })
        }
        let profile = reversible().with_parts(const { &[Part::key(nested)] });
        assert!(!profile.facts().is_reversible());
    }

    #[test]
    fn a_reason_tells_the_innermost_place() {
        fn nested() -> Profile {
            Profile::both_ways().with_parts(const { &[Part::new(one_way).at("Line.price")] })
        }
        let profile = reversible().with_parts(const { &[Part::new(nested).at("Order.lines")] });
        assert_eq!(profile.facts().one_way_at(), Some("Line.price"));
        let profile = reversible().with_parts(const { &[Part::new(one_way).at("Order.total")] });
        assert_eq!(profile.facts().one_way_at(), Some("Order.total"));
        let profile = reversible().with_parts(const { &[Part::new(needs_old).at("Order.id")] });
        assert_eq!(profile.facts().one_way_at(), None);
    }

    #[test]
    fn knots_come_undone() {
        assert_eq!(knot().facts().why_one_way(), Some("because"));
    }
}
