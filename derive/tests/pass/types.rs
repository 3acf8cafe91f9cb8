//! Fields of every kind of type, each described and carried.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use upgradable::{Fingerprint, Upgradable};

use crate::{get, put};

type Callback = fn(&str, for<'a> fn(&'a u8) -> &'a u8) -> usize;
type Shared = Arc<dyn Fn(&str) -> u8 + Send + Sync>;

/// Says nothing of itself.
#[derive(Clone, Debug, PartialEq)]
struct Opaque<T, const N: usize>([T; N]);

trait Named {
    type Name;
}

#[derive(Clone, Debug, PartialEq)]
struct Owner;

impl Named for Owner {
    type Name = String;
}

macro_rules! versions {
    ($($field:ident: $type:ty),* $(,)?) => {
        #[derive(Upgradable, Clone)]
        #[upgrade(name = "test.Types")]
        struct V1 { $($field: $type),* }

        #[derive(Upgradable, Clone)]
        #[upgrade(version = 2, from = V1)]
        struct V2 { $($field: $type),* }
    };
}

versions! {
    callback: Callback,
    pointer: fn(&str) -> usize,
    shared: Shared,
    written: Arc<dyn Fn(&str) -> u8 + Send + Sync + 'static>,
    path: Arc<Path>,
    os: Box<OsStr>,
    bytes: Arc<[u8]>,
    text: &'static str,
    slice: &'static [Opaque<u8, 2>],
    array: [Option<Opaque<(u8, char), 1>>; 2],
    projection: <Owner as Named>::Name,
    nested: BTreeMap<String, Vec<Opaque<Arc<dyn Named<Name = u8> + Send + Sync>, 0>>>,
    cow: Cow<'static, [u8]>,
    phantom: PhantomData<fn(&u8) -> Opaque<u8, 3>>,
    unit: (),
    tuple: (u8, (Opaque<u8, 0>,)),
}

#[test]
fn all_are_carried() {
    let old = V1 {
        callback: |text, _| text.len(),
        pointer: str::len,
        shared: Arc::new(|_| 1),
        written: Arc::new(|_| 2),
        path: Arc::from(Path::new("/p")),
        os: Box::from(OsStr::new("o")),
        bytes: Arc::from([1, 2]),
        text: "t",
        slice: &[Opaque([1, 2])],
        array: [None, Some(Opaque([(1, 'c')]))],
        projection: "n".to_owned(),
        nested: BTreeMap::new(),
        cow: Cow::Borrowed(&[3]),
        phantom: PhantomData,
        unit: (),
        tuple: (4, (Opaque([]),)),
    };
    let new: V2 = get(&old);
    assert_eq!((new.callback)("four", |n| n), 4);
    assert!(Arc::ptr_eq(&new.shared, &old.shared), "the same type is cloned, not rebuilt");
    let back: V1 = put(&new, &old);
    assert_eq!((back.pointer)("back"), 4);
    assert_eq!((back.written)(""), 2);
    assert_eq!((back.path, back.os, back.bytes), (old.path, old.os, old.bytes));
    assert_eq!((back.text, back.slice, back.array), (old.text, old.slice, old.array));
    assert_eq!((back.projection, back.cow, back.tuple), (old.projection, old.cow, old.tuple));
    assert_eq!((back.nested.len(), back.phantom, back.unit), (0, old.phantom, old.unit));
    assert_eq!(V1::FINGERPRINT, V2::FINGERPRINT);
    const { assert!(V1::FINGERPRINT.to_bits() != Fingerprint::from_bits(0).to_bits()) };
}
