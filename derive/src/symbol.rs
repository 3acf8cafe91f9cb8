//! The names of attributes, and what to say of names that are none.

use proc_macro2::Ident;

pub(crate) const UPGRADE: &str = "upgrade";

pub(crate) const BACK: &str = "back";
pub(crate) const COMPUTE: &str = "compute";
pub(crate) const CRATE: &str = "crate";
pub(crate) const DEFAULT: &str = "default";
pub(crate) const FLATTEN: &str = "flatten";
pub(crate) const FROM: &str = "from";
pub(crate) const MANUAL: &str = "manual";
pub(crate) const NAME: &str = "name";
pub(crate) const NEW: &str = "new";
pub(crate) const ORIGIN: &str = "origin";
pub(crate) const REMOVED: &str = "removed";
pub(crate) const SKIP: &str = "skip";
pub(crate) const TRY_BACK: &str = "try_back";
pub(crate) const TRY_WITH: &str = "try_with";
pub(crate) const VERSION: &str = "version";
pub(crate) const WITH: &str = "with";

/// Where an attribute stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Container,
    Field,
    Variant,
}

impl Place {
    pub(crate) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Container => &[NAME, VERSION, FROM, ORIGIN, MANUAL, REMOVED, CRATE],
            Self::Field => &[FROM, WITH, TRY_WITH, BACK, TRY_BACK, DEFAULT, COMPUTE, SKIP, FLATTEN],
            Self::Variant => &[FROM, NEW, BACK, TRY_BACK, REMOVED],
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Container => "a type",
            Self::Field => "a field",
            Self::Variant => "a variant",
        }
    }

    /// What to say of a name that is no attribute here.
    pub(crate) fn unknown(self, name: &Ident) -> String {
        let name = name.to_string();
        if let Some(advice) = self.advice(&name) {
            return advice;
        }
        if let Some(near) = self.names().iter().find(|known| distance(known, &name) <= 2) {
            return format!("unknown attribute `{name}`; did you mean `{near}`?");
        }
        let elsewhere = [Self::Container, Self::Field, Self::Variant]
            .into_iter()
            .find(|place| place.names().contains(&name.as_str()));
        if let Some(elsewhere) = elsewhere {
            return format!("`{name}` belongs on {}, not on {}", elsewhere.noun(), self.noun());
        }
        let known: Vec<_> = self.names().iter().map(|known| format!("`{known}`")).collect();
        format!("unknown attribute `{name}` on {}; known are {}", self.noun(), known.join(", "))
    }

    /// Habits from elsewhere.
    fn advice(self, name: &str) -> Option<String> {
        let advice = match (self, name) {
            (Self::Container, "rename") => {
                "use `name = \"...\"` for the lineage, and `from = Type` for the version before"
            }
            (Self::Container, "alias") => "use `from = Type` for the version before this one",
            (Self::Container, "since") => "use `version = N`",
            (Self::Field, "rename" | "alias") => {
                "use `from = \"...\"`: it names the old field that this one comes from"
            }
            (Self::Variant, "rename" | "alias") => {
                "use `from = \"...\"`: it names the old variant that this one comes from"
            }
            (Self::Field, "new" | "added") => {
                "use `default`, `default = value` or `compute = path`: a new field needs a value"
            }
            (Self::Field, "removed" | "remove" | "deprecated") => {
                "use `removed(field)` on the type: a removed field is not there to be marked"
            }
            (Self::Field, "skip_serializing" | "skip_deserializing" | "ignore") => "use `skip`",
            (Self::Field, "into" | "convert" | "upgrade_with" | "deserialize_with") => {
                "use `with = path`"
            }
            (Self::Field, "downgrade_with" | "serialize_with") => "use `back = path`",
            (Self::Variant, "default" | "added") => "use `new`",
            _ => return None,
        };
        Some(format!("unknown attribute `{name}`: {advice}"))
    }
}

/// The edit distance of two short names.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, left) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (to, right) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[to + 1];
            row[to + 1] = replaced.min(row[to] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances() {
        assert_eq!(distance("default", "default"), 0);
        assert_eq!(distance("default", "defualt"), 2);
        assert_eq!(distance("with", "wit"), 1);
        assert_eq!(distance("", "with"), 4);
    }
}
