//! The versions measured, out of the lock file of this very build.

const LOCK: &str = include_str!("../../../Cargo.lock");

/// The version of a package; of several, the newest, which is the one this package asks for.
pub(crate) fn of(package: &str) -> Option<&'static str> {
    let mut lines = LOCK.lines();
    let mut versions = Vec::new();
    while let Some(line) = lines.next() {
        if quoted(line, "name") == Some(package) {
            versions.extend(lines.next().and_then(|line| quoted(line, "version")));
        }
    }
    versions.into_iter().max_by_key(|version| parts(version))
}

/// The value of a line such as `name = "value"`.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

/// The numbers of a version, so that 0.13 comes after 0.5.
fn parts(version: &str) -> Vec<u32> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use crate::registry::ENTRIES;

    #[test]
    fn every_crate_has_a_version() {
        for entry in ENTRIES.iter().filter(|entry| entry.name != "plain") {
            assert!(super::of(entry.name).is_some(), "{} is not in the lock file", entry.name);
        }
    }

    #[test]
    fn versions_order_by_number() {
        assert!(super::parts("0.13.0") > super::parts("0.5.5"));
    }
}
