//! What the handles of all collections have in common.

/// Everything about a handle that does not depend on what kind of collection it names.
///
/// `handle!(OrderedMap, "OrderedMap", [K], Root<K>, "OrderedMap<u64, ")`: the type, its name, its
/// type parameter before that of the values, the root object, and how an instance begins, for
/// examples.
macro_rules! handle {
    ($name:ident, $text:literal, [$($key:ident)?], $root:ty, $of:literal) => {
        impl<$($key: $crate::collections::Key,)? V: Upgradable> $name<$($key,)? V> {
            /// The collection with this name, if there is one.
            ///
            /// # Errors
            ///
            /// [`AccessError::WrongType`] if it is another kind of collection, or has other keys.
            ///
            #[doc = concat!("```\nuse upgradable::{Heap, Upgradable, collections::", $text, "};")]
            #[doc = "# #[derive(Upgradable, Clone)] struct Tag(u8);"]
            #[doc = "let heap = Heap::new();"]
            #[doc = "let tags = heap.atomically(|tx| {"]
            #[doc = concat!("    let tags = <", $of, "Tag>>::create(tx)?;")]
            #[doc = "    tags.set_name(tx, \"tags\");"]
            #[doc = "    Ok(tags)"]
            #[doc = "}).unwrap();"]
            #[doc = concat!("let found = heap.snapshot(|s| <", $of, "Tag>>::named(s, \"tags\"));")]
            #[doc = "assert_eq!(found, Ok(Some(tags)));\n```"]
            pub fn named(reader: &impl $crate::Read, name: &str) -> Result<Option<Self>, AccessError> {
                Ok(reader.root::<$root>(name)?.map(Self::of_root))
            }

            /// Gives the collection a name, by which programs find it. See
            /// [`Tx::set_root`](crate::Tx::set_root).
            ///
            #[doc = concat!("```\nuse upgradable::{Heap, Upgradable, collections::", $text, "};")]
            #[doc = "# #[derive(Upgradable, Clone)] struct Tag(u8);"]
            #[doc = concat!("Heap::new().atomically(|tx| Ok(<", $of, "Tag>>::create(tx)?")]
            #[doc = ".set_name(tx, \"tags\"))).unwrap();\n```"]
            pub fn set_name(self, tx: &Tx<'_>, name: &str) {
                tx.set_root(name, self.root);
            }

            /// The same collection, for code that knows its values as another version of their
            /// lineage. Another lineage does not compile.
            ///
            #[doc = concat!("```\nuse upgradable::{Upgradable, collections::", $text, "};")]
            #[doc = "# mod v1 {"]
            #[doc = "#     #[derive(upgradable::Upgradable, Clone)]"]
            #[doc = "#     #[upgrade(name = \"doc.Tag\")] pub struct Tag(pub u8);"]
            #[doc = "# }"]
            #[doc = "#[derive(Upgradable, Clone)]"]
            #[doc = "#[upgrade(version = 2, from = v1::Tag)]"]
            #[doc = "struct Tag(u16);"]
            #[doc = concat!("fn as_it_is_now(old: ", $of, "v1::Tag>) -> ", $of, "Tag> {")]
            #[doc = "    old.cast()\n}\n# let _ = |tag: Tag| tag.0;\n```"]
            #[must_use]
            pub const fn cast<New: Upgradable>(self) -> $name<$($key,)? New> {
                const {
                    assert!(
                        $crate::lineage::same_name(V::LINEAGE, New::LINEAGE),
                        "a collection can't change the lineage of its values"
                    );
                }
                $name { root: self.root, values: std::marker::PhantomData }
            }
        }

        impl<$($key,)? V> $name<$($key,)? V> {
            const fn of_root(root: Ref<$root>) -> Self {
                Self { root, values: std::marker::PhantomData }
            }

            /// The handle as a word, to keep it outside.
            ///
            #[doc = concat!("```\nuse upgradable::{Heap, Upgradable, collections::", $text, "};")]
            #[doc = "# #[derive(Upgradable, Clone)] struct Tag(u8);"]
            #[doc = concat!("type Tags = ", $of, "Tag>;")]
            #[doc = "let tags = Heap::new().atomically(|tx| Ok(Tags::create(tx)?)).unwrap();"]
            #[doc = "assert_eq!(Tags::from_bits(tags.to_bits()), tags);\n```"]
            #[must_use]
            pub const fn to_bits(self) -> u64 {
                self.root.to_bits()
            }

            /// The handle that [`to_bits`](Self::to_bits) turned into this word. Any other word
            /// gives a handle that names nothing, or something else: each use finds out.
            ///
            #[doc = concat!("```\nuse upgradable::{AccessError, Heap, Upgradable, collections::", $text, "};")]
            #[doc = "# #[derive(Upgradable, Clone)] struct Tag(u8);"]
            #[doc = concat!("let nothing = <", $of, "Tag>>::from_bits(12_345);")]
            #[doc = "let len = Heap::new().snapshot(|s| nothing.len(s));"]
            #[doc = "assert_eq!(len, Err(AccessError::Foreign));\n```"]
            #[must_use]
            pub const fn from_bits(bits: u64) -> Self {
                Self::of_root(Ref::from_bits(bits))
            }
        }

        impl<$($key,)? V> Clone for $name<$($key,)? V> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($key,)? V> Copy for $name<$($key,)? V> {}

        impl<$($key,)? V> PartialEq for $name<$($key,)? V> {
            fn eq(&self, other: &Self) -> bool {
                self.root == other.root
            }
        }

        impl<$($key,)? V> Eq for $name<$($key,)? V> {}

        impl<$($key,)? V> std::hash::Hash for $name<$($key,)? V> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.root.hash(state);
            }
        }

        impl<$($key,)? V> std::fmt::Debug for $name<$($key,)? V> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($text, "({:#x})"), self.to_bits())
            }
        }

        /// As a word. It means something in the heap it comes from only.
        impl<$($key,)? V> serde::Serialize for $name<$($key,)? V> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.root.serialize(serializer)
            }
        }

        impl<'de, $($key,)? V> serde::Deserialize<'de> for $name<$($key,)? V> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ref::deserialize(deserializer).map(Self::of_root)
            }
        }

        /// Names the lineage of the values, not their version.
        impl<$($key: $crate::Shape,)? V: Upgradable> $crate::Shape for $name<$($key,)? V> {
            const NAME: &'static str = const {
                &$crate::NameBuilder::new()
                    .text(concat!($text, "<"))
                    $(.text(<$key as $crate::Shape>::NAME).text(", "))?
                    .text(V::LINEAGE)
                    .text(">")
            }
            .as_str();
        }

        /// The collection stays the same.
        impl<$($key: $crate::collections::Key,)? Old: Upgradable, New: Upgradable>
            $crate::UpgradeFrom<$name<$($key,)? Old>> for $name<$($key,)? New>
        {
            const PROFILE: $crate::Profile = $crate::Profile::both_ways();

            #[inline]
            fn upgrade_from(
                old: &$name<$($key,)? Old>,
                _: &mut $crate::Cx<'_>,
            ) -> Result<Self, $crate::TransformError> {
                Ok(old.cast())
            }

            #[inline]
            fn put(
                new: &Self,
                _: Option<&$name<$($key,)? Old>>,
                _: &mut $crate::Cx<'_>,
            ) -> Result<$name<$($key,)? Old>, $crate::TransformError> {
                Ok(new.cast())
            }
        }
    };
}

/// The place of a type of node among the types of a heap.
///
/// Nodes have one version. Should a later release arrange them otherwise, that is the second.
macro_rules! node {
    ($name:ident [$($key:ident)?], $text:literal, $layout:expr) => {
        impl<$($key: $crate::collections::Key)?> $crate::Upgradable for $name<$($key)?> {
            const LINEAGE: &'static str = <Self as $crate::Shape>::NAME;
            const VERSION: u32 = 1;
            const FINGERPRINT: $crate::Fingerprint = <Self as $crate::Shape>::SHAPE;
            type Prev = $crate::Origin;
        }

        impl<$($key: $crate::collections::Key)?> $crate::Shape for $name<$($key)?> {
            const NAME: &'static str = const {
                let name = $crate::NameBuilder::new().text(concat!("upgradable.", $text));
                $(let name = name.text("<").text(<$key as $crate::Shape>::NAME).text(">");)?
                &{ name }
            }
            .as_str();
            const SHAPE: $crate::Fingerprint = {
                let print = $crate::FingerprintBuilder::structure::<Self>().count($layout as u128);
                $(let print = print.nested(<$key as $crate::Shape>::SHAPE);)?
                print.finish()
            };
        }
    };
}

pub(super) use {handle, node};
