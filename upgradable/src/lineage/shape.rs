//! Name and fingerprint of types that are parts of others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Fingerprint, FingerprintBuilder, NameBuilder};

/// A type that can say what it is called and what it looks like.
///
/// The derive implements it for every upgradable type; the standard library's values and
/// containers have it. A field of a type without it counts with its written name and its layout.
/// Type arguments of generic upgradable types must have it, since the lineage names them.
///
/// ```
/// use upgradable::Shape;
///
/// #[derive(Clone)]
/// struct Metres(f64);
/// impl Shape for Metres {
///     const NAME: &'static str = "Metres";
/// }
/// assert_eq!(<Option<Metres>>::NAME, "Option<Metres>");
/// # let _ = Metres(1.0).0;
/// ```
#[diagnostic::on_unimplemented(
    message = "the lineage of a generic type names its arguments, and `{Self}` has no name",
    label = "`{Self}` does not implement `Shape`",
    note = "derive `Upgradable` for it, or write `impl Shape for {Self} {{ const NAME: &'static \
            str = \"...\"; }}`"
)]
pub trait Shape: Sized {
    /// What the type is called: the lineage's name for an upgradable type, in all its versions.
    const NAME: &'static str;

    /// What it looks like from outside: name, size, alignment; nothing of what is behind
    /// pointers, so that recursive types have one.
    const OUTLINE: Fingerprint = FingerprintBuilder::named::<Self>(Self::NAME).finish();

    /// What it looks like, with everything nested in it by value.
    const SHAPE: Fingerprint = Self::OUTLINE;
}

macro_rules! leaf {
    ($($name:literal => $type:ty),* $(,)?) => {$(
        impl Shape for $type {
            const NAME: &'static str = $name;
        }
    )*};
}

leaf! {
    "u8" => u8, "u16" => u16, "u32" => u32, "u64" => u64, "u128" => u128, "usize" => usize,
    "i8" => i8, "i16" => i16, "i32" => i32, "i64" => i64, "i128" => i128, "isize" => isize,
    "f32" => f32, "f64" => f64, "bool" => bool, "char" => char, "()" => (),
    "String" => String, "&str" => &'static str,
    "Box<str>" => Box<str>, "Arc<str>" => Arc<str>, "Cow<str>" => Cow<'static, str>,
    "PathBuf" => std::path::PathBuf, "OsString" => std::ffi::OsString,
    "CString" => std::ffi::CString,
    "Duration" => std::time::Duration, "Instant" => std::time::Instant,
    "SystemTime" => std::time::SystemTime, "Ordering" => std::cmp::Ordering,
    "IpAddr" => std::net::IpAddr, "Ipv4Addr" => std::net::Ipv4Addr,
    "Ipv6Addr" => std::net::Ipv6Addr, "SocketAddr" => std::net::SocketAddr,
    "SocketAddrV4" => std::net::SocketAddrV4, "SocketAddrV6" => std::net::SocketAddrV6,
    "NonZero<u8>" => std::num::NonZero<u8>, "NonZero<u16>" => std::num::NonZero<u16>,
    "NonZero<u32>" => std::num::NonZero<u32>, "NonZero<u64>" => std::num::NonZero<u64>,
    "NonZero<u128>" => std::num::NonZero<u128>, "NonZero<usize>" => std::num::NonZero<usize>,
    "NonZero<i8>" => std::num::NonZero<i8>, "NonZero<i16>" => std::num::NonZero<i16>,
    "NonZero<i32>" => std::num::NonZero<i32>, "NonZero<i64>" => std::num::NonZero<i64>,
    "NonZero<i128>" => std::num::NonZero<i128>, "NonZero<isize>" => std::num::NonZero<isize>,
}

/// `$inside` is `OUTLINE` where the parts are behind a pointer, `SHAPE` where they are held by
/// value: types that hold one another by value are finitely deep, others may be recursive.
macro_rules! container {
    ($($name:literal $type:ty [$($param:ident),+ $(; $extra:ident)*] $inside:ident;)*) => {$(
        impl<$($param: Shape,)+ $($extra,)*> Shape for $type {
            const NAME: &'static str = const {
                let mut name = NameBuilder::new().text($name);
                let mut comma = "<";
                $(
                    name = name.text(comma).text(<$param as Shape>::NAME);
                    comma = ", ";
                )+
                let _ = comma;
                &name.text(">")
            }
            .as_str();
            const SHAPE: Fingerprint = FingerprintBuilder::named::<Self>($name)
                $(.nested(<$param as Shape>::$inside))+
                .finish();
        }
    )*};
}

container! {
    "Vec" Vec<T> [T] OUTLINE;
    "VecDeque" VecDeque<T> [T] OUTLINE;
    "Box" Box<T> [T] OUTLINE;
    "Arc" Arc<T> [T] OUTLINE;
    "Box<[]>" Box<[T]> [T] OUTLINE;
    "Arc<[]>" Arc<[T]> [T] OUTLINE;
    "BTreeSet" BTreeSet<T> [T] OUTLINE;
    "HashSet" HashSet<T, S> [T; S] OUTLINE;
    "BTreeMap" BTreeMap<K, V> [K, V] OUTLINE;
    "HashMap" HashMap<K, V, S> [K, V; S] OUTLINE;
    "PhantomData" PhantomData<T> [T] OUTLINE;
    "Option" Option<T> [T] SHAPE;
    "Result" Result<T, E> [T, E] SHAPE;
}

impl<T: Shape, const N: usize> Shape for [T; N] {
    const NAME: &'static str = const {
        &NameBuilder::new().text("[").text(T::NAME).text("; ").number(N as i128).text("]")
    }
    .as_str();
    const SHAPE: Fingerprint =
        FingerprintBuilder::named::<Self>("[]").count(N as u128).nested(T::SHAPE).finish();
}

macro_rules! tuple {
    ($first:ident $($param:ident)*) => {
        impl<$first: Shape, $($param: Shape),*> Shape for ($first, $($param,)*) {
            const NAME: &'static str = const {
                &NameBuilder::new().text("(").text($first::NAME)
                    $(.text(", ").text($param::NAME))*
                    .text(")")
            }
            .as_str();
            const SHAPE: Fingerprint = FingerprintBuilder::named::<Self>("()")
                .nested($first::SHAPE)
                $(.nested($param::SHAPE))*
                .finish();
        }
        tuple!(@ $($param)*);
    };
    (@ $($param:ident)+) => { tuple!($($param)+); };
    (@) => {};
}

tuple!(A B C D E F G H I J K L);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_nest() {
        type Nested = HashMap<String, Result<[u8; 4], (u16, Option<Box<i64>>)>>;
        assert_eq!(Nested::NAME, "HashMap<String, Result<[u8; 4], (u16, Option<Box<i64>>)>>");
        assert_eq!(<(u8,)>::NAME, "(u8)");
    }

    #[test]
    fn equal_layouts_of_different_types_differ() {
        assert_ne!(u64::SHAPE, i64::SHAPE);
        assert_ne!(<Vec<u64>>::SHAPE, <Vec<i64>>::SHAPE);
        assert_ne!(<Vec<u64>>::SHAPE, <VecDeque<u64>>::SHAPE);
        assert_ne!(<[u8; 4]>::SHAPE, <(u8, u8, u8, u8)>::SHAPE);
        assert_eq!(<Option<[u8; 4]>>::SHAPE, <Option<[u8; 4]>>::SHAPE);
    }
}
