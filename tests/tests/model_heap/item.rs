//! Items, whatever version the program has.

use std::fmt::Debug;

use upgradable::Upgradable;

use super::state::Value;
use super::types::{Item1, Item2, Item3, Item4};

/// An item of some version.
pub(crate) trait Item: Upgradable + Debug {
    fn make(n: u64, tag: u8) -> Self;
    fn show(&self) -> Value;
    fn number(&mut self) -> &mut u64;
}

macro_rules! item {
    ($item:ident, |$tag:ident| { $($field:ident: $made:expr),* }, |$value:ident| { $($shown:ident: $show:expr),* }) => {
        impl Item for $item {
            fn make(n: u64, $tag: u8) -> Self {
                let _ = $tag;
                Self { n, $($field: $made),* }
            }

            fn show(&self) -> Value {
                let $value = self;
                Value::$item { n: $value.n, $($shown: $show),* }
            }

            fn number(&mut self) -> &mut u64 {
                &mut self.n
            }
        }
    };
}

item!(Item1, |tag| { tag: tag }, |item| { tag: item.tag });
item!(Item2, |tag| {}, |item| {});
item!(Item3, |tag| { odd: tag % 2 == 1 }, |item| { odd: item.odd });
item!(Item4, |tag| { note: None }, |item| { noted: item.note.is_some() });

/// Runs something with the type that items have in a version.
macro_rules! with_item {
    ($version:expr, $T:ident => $body:expr) => {
        match $version {
            0 => {
                type $T = Item1;
                $body
            }
            1 => {
                type $T = Item2;
                $body
            }
            2 => {
                type $T = Item3;
                $body
            }
            _ => {
                type $T = Item4;
                $body
            }
        }
    };
}

pub(crate) use with_item;
