//! A program that knows the library by another name, and another that it knows through a module.

/// The library, from a module of this crate.
pub mod reexported {
    pub use renamed::*;
}

/// The old versions.
pub mod v1 {
    /// A struct.
    #[derive(renamed::Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(crate = renamed, name = "rename.Account")]
    pub struct Account {
        /// Widened later.
        pub cents: u32,
        /// Removed later.
        pub code: u8,
    }

    /// A generic enum.
    #[derive(renamed::Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(name = "rename.Choice", crate = "renamed")]
    pub enum Choice<T> {
        /// A variant.
        This(T),
        /// Removed later.
        Neither,
    }
}

/// The new versions.
pub mod v2 {
    use super::v1;

    /// A struct.
    #[derive(renamed::Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(crate = "crate::reexported", from = v1::Account, removed(code))]
    pub struct Account {
        /// Widened.
        pub cents: u64,
        /// New.
        #[upgrade(compute = |old| u16::from(old.code))]
        pub wide: u16,
    }

    /// A generic enum.
    #[derive(renamed::Upgradable, Clone, Debug, PartialEq, Eq)]
    #[upgrade(crate = renamed, from = v1::Choice<T>, removed(Neither => Choice::Nothing))]
    pub enum Choice<T> {
        /// A variant.
        This(T),
        /// A new variant.
        #[upgrade(new, back = |_| v1::Choice::Neither)]
        Nothing,
    }
}

#[cfg(test)]
mod tests {
    use renamed::{Cx, UpgradeFrom};

    use super::{v1, v2};

    #[test]
    fn both_names_work() {
        let mut cx = Cx::detached();
        let old = v1::Account { cents: 1, code: 2 };
        let new = v2::Account::upgrade_from(&old, &mut cx).expect("it fits");
        assert_eq!(new, v2::Account { cents: 1, wide: 2 });
        assert_eq!(v2::Account::put(&new, Some(&old), &mut cx).expect("it fits"), old);
        let new: v2::Choice<u16> =
            UpgradeFrom::upgrade_from(&v1::Choice::This(1_u8), &mut cx).expect("it fits");
        assert_eq!(new, v2::Choice::This(1));
        let registered =
            renamed::registered().filter(|known| known.version().lineage() == "rename.Account");
        assert_eq!(registered.count(), 2);
    }
}
