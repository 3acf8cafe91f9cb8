//! Everything the grammar can say, in both directions, with what it does at run time.

mod containers;
mod conversions;
mod enums;
mod errors;
mod flatten;
mod generics;
mod lineages;
mod macros;
mod manual;
mod profiles;
mod recursive;
mod registration;
mod structs;
mod types;

use upgradable::{Cx, TransformError, UpgradeFrom};

/// Forward, alone.
fn get<Old, New: UpgradeFrom<Old>>(old: &Old) -> New {
    match New::upgrade_from(old, &mut Cx::detached()) {
        Ok(new) => new,
        Err(error) => panic!("{error}"),
    }
}

/// Back onto what was there at the flip.
fn put<Old, New: UpgradeFrom<Old>>(new: &New, old_at_flip: &Old) -> Old {
    match New::put(new, Some(old_at_flip), &mut Cx::detached()) {
        Ok(old) => old,
        Err(error) => panic!("{error}"),
    }
}

/// Back, for a value that is newer than the flip.
fn create<Old, New: UpgradeFrom<Old>>(new: &New) -> Result<Old, TransformError> {
    New::put(new, None, &mut Cx::detached())
}
