//! Names, numbers, predecessors and fingerprints.

use upgradable::{Origin, Shape, TypeVersion, Upgradable};

#[derive(Upgradable, Clone)]
struct Plain {
    _a: u8,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = Plain)]
struct Second {
    _a: u8,
}

#[derive(Upgradable, Clone)]
#[upgrade(version = 7, from = Second)]
struct Seventh {
    _a: u8,
}

/// The versions before it are gone for good.
#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Late", version = 5, origin)]
struct Late {
    _a: u8,
}

#[test]
fn names_and_numbers_are_inherited() {
    assert_eq!(TypeVersion::of::<Plain>().to_string(), "Plain 1");
    assert_eq!(TypeVersion::of::<Second>().to_string(), "Plain 2");
    assert_eq!(TypeVersion::of::<Seventh>().to_string(), "Plain 7");
    assert_eq!(TypeVersion::of::<Late>().to_string(), "test.Late 5");
    fn no_predecessor<T: Upgradable<Prev = Origin>>() {}
    no_predecessor::<Plain>();
    no_predecessor::<Late>();
    fn predecessor<T: Upgradable<Prev = P>, P>() {}
    predecessor::<Seventh, Second>();
}

#[derive(Clone)]
struct Opaque(#[expect(dead_code, reason = "only its size counts")] u32);

mod other {
    #[derive(Clone)]
    pub(super) struct Opaque(#[expect(dead_code, reason = "only its size counts")] pub(super) u64);
}

macro_rules! variation {
    ($name:ident $($body:tt)*) => {
        mod $name {
            #[allow(unused_imports, reason = "some need it")]
            use super::{Opaque, other, Upgradable};
            #[derive(Upgradable, Clone)]
            #[upgrade(name = "test.Variation")]
            #[allow(dead_code, reason = "never built")]
            pub(super) $($body)*
        }
    };
}

variation!(base struct T { a: u32, b: u32 });
variation!(again struct T { a: u32, b: u32 });
variation!(names struct T { a: u32, c: u32 });
variation!(order struct T { b: u32, a: u32 });
variation!(types struct T { a: u32, b: f32 });
variation!(opaque struct T { a: u32, b: Opaque });
variation!(opaque_other struct T { a: u32, b: other::Opaque });
variation!(opaque_moved struct T { a: u32, b: super::Opaque });
variation!(opaque_inside struct T { a: u32, b: Option<Opaque> });
variation!(opaque_inside_other struct T { a: u32, b: Option<super::other::Opaque> });
variation!(tuple struct T(u32, u32););
variation!(variants enum T { A { a: u32 }, B { b: u32 } });
variation!(variants_renamed enum T { A { a: u32 }, C { b: u32 } });
variation!(variant_fields enum T { A { a: u32, b: u32 }, B });

#[test]
fn fingerprints_tell_layouts_apart() {
    assert_eq!(base::T::FINGERPRINT, again::T::FINGERPRINT);
    assert_eq!(opaque::T::FINGERPRINT, opaque_moved::T::FINGERPRINT);
    let all = [
        base::T::FINGERPRINT,
        names::T::FINGERPRINT,
        order::T::FINGERPRINT,
        types::T::FINGERPRINT,
        opaque::T::FINGERPRINT,
        opaque_other::T::FINGERPRINT,
        opaque_inside::T::FINGERPRINT,
        opaque_inside_other::T::FINGERPRINT,
        tuple::T::FINGERPRINT,
        variants::T::FINGERPRINT,
        variants_renamed::T::FINGERPRINT,
        variant_fields::T::FINGERPRINT,
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[at + 1..].contains(one), "number {at} is not unique");
    }
    assert_ne!(base::T::SHAPE, base::T::OUTLINE);
}

mod nested {
    use super::Upgradable;

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Inner")]
    pub(super) struct Inner1 {
        pub(super) _a: u32,
        pub(super) _b: u32,
    }

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Inner")]
    pub(super) struct Inner2 {
        pub(super) _b: u32,
        pub(super) _a: u32,
    }

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Outer")]
    pub(super) struct Outer<T> {
        pub(super) _inner: Option<[T; 2]>,
    }
}

#[test]
fn nested_fingerprints_count() {
    let (one, two) = (
        <nested::Outer<nested::Inner1>>::FINGERPRINT,
        <nested::Outer<nested::Inner2>>::FINGERPRINT,
    );
    assert_ne!(one, two);
    assert_eq!(<nested::Outer<nested::Inner1>>::LINEAGE, "test.Outer<test.Inner>");
}
