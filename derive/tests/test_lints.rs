//! Generated code raises no warning in the user's crate, however strict that is.
//!
//! `cargo test` checks rustc's lints; `cargo clippy --all-targets` checks clippy's.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    let_underscore,
    nonstandard_style,
    future_incompatible,
    rust_2018_idioms,
    unused,
    keyword_idents,
    unreachable_pub,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::absolute_paths,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::pattern_type_mismatch,
    clippy::wildcard_enum_match_arm,
    clippy::unneeded_field_pattern,
    clippy::missing_inline_in_public_items,
    clippy::missing_docs_in_private_items,
    clippy::question_mark_used,
    clippy::min_ident_chars,
    clippy::arbitrary_source_item_ordering,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::implicit_return,
    clippy::single_char_lifetime_names,
    clippy::multiple_inherent_impl,
    clippy::impl_trait_in_params,
    clippy::ref_patterns,
    clippy::std_instead_of_core,
    clippy::pub_use,
    clippy::renamed_function_params,
    clippy::redundant_type_annotations
)]
#![expect(clippy::implicit_return, reason = "also of the code around it")]

/// The old versions.
pub mod before {
    use upgradable::Upgradable;

    /// A struct.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Account")]
    #[non_exhaustive]
    pub struct Account {
        /// A field.
        pub cents: i64,
        /// A field.
        pub gone: u8,
        /// A field.
        pub owner: String,
        /// A field.
        pub street: String,
    }

    /// An enum.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Status")]
    #[non_exhaustive]
    pub enum Status {
        /// A variant.
        Gone,
        /// A variant.
        Kept,
        /// A variant.
        Named {
            /// A field.
            code: u8,
        },
        /// A variant.
        Tuple(u8, u8),
    }

    /// A generic struct.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Pair")]
    #[non_exhaustive]
    pub struct Pair<Item> {
        /// A field.
        pub left: Item,
        /// A field.
        pub rest: Vec<Item>,
    }

    /// A private generic struct.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Inner")]
    struct Inner<Item> {
        /// A field.
        item: Item,
    }

    /// A generic struct with private parts.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Holder")]
    #[non_exhaustive]
    pub struct Holder<Item> {
        /// A field.
        inner: Inner<Item>,
    }

    /// A deprecated type, as old ones may be.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Unit")]
    #[deprecated(note = "old")]
    #[non_exhaustive]
    pub struct Unit;
}

/// The new versions.
pub mod after {
    use super::before;
    use upgradable::Upgradable;

    /// A sub-struct.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Address {
        /// A field.
        pub street: String,
    }

    /// A struct.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Account", version = 2, from = before::Account, removed(gone))]
    #[non_exhaustive]
    pub struct Account {
        /// A field.
        #[upgrade(flatten(street))]
        pub address: Address,
        /// A field.
        #[upgrade(from = "cents", with = |cents| u128::from(cents.unsigned_abs()))]
        #[upgrade(try_back = |cents| i64::try_from(*cents))]
        pub balance: u128,
        /// A field.
        #[upgrade(skip)]
        pub cache: Vec<u8>,
        /// A field.
        #[upgrade(compute = |old| old.owner.len())]
        pub length: usize,
        /// A field.
        #[deprecated(note = "old")]
        pub owner: String,
        /// A field.
        #[upgrade(default = 3)]
        pub tier: u8,
    }

    /// Without a way back.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(version = 3, from = Account, removed(address, cache, length, tier))]
    #[non_exhaustive]
    pub struct OneWay {
        /// A field.
        #[upgrade(with = |balance: u128| balance.to_string())]
        pub balance: String,
        /// A field.
        pub owner: String,
    }

    /// An enum.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Status", version = 2, from = before::Status)]
    #[upgrade(removed(Gone => Status::Kept))]
    #[non_exhaustive]
    pub enum Status {
        /// A variant.
        Kept,
        /// A variant.
        #[upgrade(new, back = |_| before::Status::Kept)]
        New(u8),
        /// A variant.
        #[upgrade(from = "Named")]
        Renamed {
            /// A field.
            code: u16,
        },
        /// A variant.
        #[upgrade(removed(1))]
        Tuple(u8),
    }

    /// A generic struct.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "lint.Pair", version = 2, from = before::Pair<Item>)]
    #[non_exhaustive]
    pub struct Pair<Item> {
        /// A field.
        pub left: Item,
        /// A field.
        #[upgrade(from = "rest")]
        pub others: Vec<Item>,
    }

    /// A unit.
    #[derive(Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(from = before::Unit)]
    #[non_exhaustive]
    pub struct Unit;
}

#[test]
fn it_compiles() {
    use upgradable::{Cx, UpgradeFrom as _};

    let old = before::Pair { left: 1_u8, rest: vec![2] };
    let new = after::Pair::<u16>::upgrade_from(&old, &mut Cx::detached());
    assert!(new.is_ok_and(|pair| pair.left == 1), "a plain upgrade");
    let gone = after::Status::upgrade_from(&before::Status::Gone, &mut Cx::detached());
    assert_eq!(gone.ok(), Some(after::Status::Kept), "as mapped");
    let back = after::Status::put(&after::Status::New(1), None, &mut Cx::detached());
    assert_eq!(back.ok(), Some(before::Status::Kept), "as told");
    #[expect(deprecated, reason = "it is old")]
    let unit = after::Unit::upgrade_from(&before::Unit, &mut Cx::detached());
    assert!(unit.is_ok(), "a plain upgrade");
}
