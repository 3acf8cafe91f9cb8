//! Attributes whose values come through `macro_rules!`, where the compiler wraps them.

use upgradable::Upgradable;

use crate::{get, put};

#[derive(Clone, Debug, PartialEq, Default)]
struct Inner {
    a: u8,
    more: u8,
}

macro_rules! versions {
    (
        $name:literal $number:literal $($old:ident)::+ => $new:ident;
        $path:path; $type:ty; $with:expr; $back:expr; $default:expr; $text:expr; $inner:ty;
        $field:ident
    ) => {
        #[derive(Upgradable, Clone, Debug, PartialEq)]
        #[upgrade(name = $name, version = $number, from = $type, removed($field = $default))]
        struct $new {
            #[upgrade(with = $with, back = $back)]
            id: String,
            #[upgrade(default = $text)]
            note: String,
            #[upgrade(flatten(a, ..))]
            inner: $inner,
        }

        #[derive(Upgradable, Clone, Debug, PartialEq)]
        #[upgrade(name = $name, version = $number, from = $path, removed(a, $field))]
        struct Again {
            #[upgrade(with = $with, back = $back)]
            id: String,
        }

        fn lineages() -> [&'static str; 3] {
            [$($old)::+::LINEAGE, $new::LINEAGE, Again::LINEAGE]
        }
    };
}

mod v1 {
    #[derive(upgradable::Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Macro")]
    pub(super) struct T {
        pub(super) id: u8,
        pub(super) a: u8,
        pub(super) gone: u8,
    }
}

versions! {
    "test.Macro" 2 v1::T => T;
    v1::T; v1::T; |id| id.to_string(); |id| id.parse().unwrap_or(0); 7; "none"; Inner; gone
}

#[test]
fn they_mean_the_same() {
    let old = v1::T { id: 1, a: 2, gone: 3 };
    let new: T = get(&old);
    let inner = Inner { a: 2, more: 0 };
    assert_eq!(new, T { id: "1".to_owned(), note: "none".to_owned(), inner });
    assert_eq!(put(&new, &old), old);
    assert_eq!(put(&get::<_, Again>(&old), &old), old);
    assert_eq!(lineages(), ["test.Macro"; 3]);
}
