//! Generated code stands among the user's names, and takes none of them for its own.

#![allow(dead_code, nonstandard_style, reason = "names that are in the way, if anything is")]
#![no_implicit_prelude]

// What a user's module may contain: everything that generated code could name.
mod std {}
mod core {}
mod alloc {}
struct Result;
struct Option;
struct Ok;
struct Err;
struct Some;
struct None;
struct Vec;
struct String;
struct Box;
struct Clone;
struct Default;
struct Into;
struct From;
struct PhantomData;
struct Fn;
struct Send;
struct Sync;
struct Self_;
struct Cx;
struct Profile;
struct Part;
struct Pair;
struct With;
struct Probe;
struct Shape;
struct Fingerprint;
struct TransformError;
struct u8;
struct u32;
struct u64;
struct usize;
struct i128;
struct str;
struct bool;
const __old: () = ();
const __new: () = ();
const field_a: () = ();

#[allow(unused_macros, reason = "they are in the way")]
macro_rules! assert {
    ($($t:tt)*) => {
        compile_error!("the user's macro")
    };
}
#[allow(unused_macros, reason = "they are in the way")]
macro_rules! panic {
    ($($t:tt)*) => {
        compile_error!("the user's macro")
    };
}
#[allow(unused_macros, reason = "they are in the way")]
macro_rules! stringify {
    ($($t:tt)*) => {
        compile_error!("the user's macro")
    };
}

/// Methods that every type seems to have.
#[allow(clippy::wrong_self_convention, clippy::new_ret_no_self, reason = "they are in the way")]
trait Everything: ::core::marker::Sized {
    fn clone(self) {}
    fn get(self) {}
    fn put(self) {}
    fn map(self) {}
    fn step(self) {}
    fn field(self) {}
    fn route(self) {}
    fn apply(self) {}
    fn new(self) {}
    fn of(self) {}
    fn into(self) {}
    fn default() {}
    fn finish(self) {}
    fn with_parts(self) {}
    fn facts(self) {}
    fn as_str(self) {}
    fn text(self) {}
    fn eq(self) {}
    fn is_some(self) {}
    const LINEAGE: () = ();
    const VERSION: () = ();
    const FINGERPRINT: () = ();
    const PROFILE: () = ();
    const NAME: () = ();
    const SHAPE: () = ();
}
impl<T> Everything for T {}

mod v1 {
    use ::upgradable::Upgradable;

    #[derive(Upgradable, ::std::clone::Clone)]
    #[upgrade(name = "test.hygiene.Account")]
    pub(super) struct Account {
        pub(super) a: ::core::primitive::u8,
        pub(super) old: ::core::primitive::u8,
        pub(super) new: ::core::primitive::u8,
        pub(super) cx: ::core::primitive::u8,
        pub(super) flip: ::core::primitive::u8,
        pub(super) __old: ::core::primitive::u8,
        pub(super) partner: ::std::string::String,
        pub(super) gone: ::core::primitive::u8,
    }

    #[derive(Upgradable, ::std::clone::Clone)]
    #[upgrade(name = "test.hygiene.Kind")]
    pub(super) enum Kind {
        Ok(::core::primitive::u8),
        None { old: ::core::primitive::u8 },
        Some,
    }
}

#[derive(::upgradable::Upgradable, ::core::clone::Clone)]
#[upgrade(name = "test.hygiene.Account", version = 2, from = v1::Account, removed(gone))]
struct Account {
    a: ::core::primitive::u16,
    old: ::core::primitive::u8,
    #[upgrade(with = |cx| *cx, back = |old| *old)]
    new: ::core::primitive::u8,
    cx: ::core::primitive::u64,
    #[upgrade(from = "flip")]
    r#fn: ::core::primitive::u8,
    __old: ::core::primitive::u8,
    partner: ::std::string::String,
    #[upgrade(compute = |new| new.old)]
    value: ::core::primitive::u8,
    #[upgrade(default)]
    extra: ::std::vec::Vec<::core::primitive::u8>,
}

/// Inherent names are found before any trait's.
impl Account {
    const LINEAGE: () = ();
    const VERSION: () = ();
    const FINGERPRINT: () = ();
    const PROFILE: () = ();
    const NAME: () = ();
    fn clone(&self) {}
    fn upgrade_from(&self) {}
    fn put(&self) {}
    fn default() {}
}

#[derive(::upgradable::Upgradable, ::core::clone::Clone)]
#[upgrade(from = v1::Kind, removed(Some => Kind::None { old: 1 }))]
enum Kind {
    Ok(::core::primitive::u16),
    None {
        old: ::core::primitive::u8,
    },
    #[upgrade(new, back = |_| v1::Kind::Some)]
    Err,
}

#[derive(::upgradable::Upgradable, ::core::clone::Clone)]
#[upgrade(name = "test.hygiene.Generic")]
struct Generic<Result, Old> {
    result: Result,
    old: Old,
}

#[derive(::upgradable::Upgradable, ::core::clone::Clone)]
#[upgrade(from = Generic<Old, OldOld>)]
struct Generic2<Old, OldOld> {
    result: Old,
    #[upgrade(from = "old")]
    new: OldOld,
}

#[test]
fn it_means_what_it_says() {
    let before = v1::Account {
        a: 1,
        old: 2,
        new: 3,
        cx: 4,
        flip: 5,
        __old: 6,
        partner: ::std::convert::From::from("p"),
        gone: 7,
    };
    let mut context = ::upgradable::Cx::detached();
    let after =
        <Account as ::upgradable::UpgradeFrom<v1::Account>>::upgrade_from(&before, &mut context);
    let ::core::result::Result::Ok(after) = after else { ::core::panic!("forward") };
    ::core::assert_eq!((after.a, after.old, after.new, after.cx), (1, 2, 3, 4));
    ::core::assert_eq!((after.r#fn, after.__old, after.value), (5, 6, 2));
    let back = <Account as ::upgradable::UpgradeFrom<v1::Account>>::put(
        &after,
        ::core::option::Option::Some(&before),
        &mut context,
    );
    let ::core::result::Result::Ok(back) = back else { ::core::panic!("back") };
    ::core::assert_eq!((back.a, back.gone, back.flip), (1, 7, 5));
}
