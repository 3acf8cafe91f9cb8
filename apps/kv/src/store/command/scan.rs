//! Commands that go through the keys.

use super::number::integer;
use super::{Command, NO_KEYS, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Entry;
use crate::store::fault::{Outcome, SYNTAX};
use crate::store::{Fault, Look, glob};

pub(super) fn commands<E: Entry>() -> [Command<E>; 2] {
    [
        command("keys", 2, NO_KEYS, Run::Look(keys), "All keys that a pattern fits"),
        command("scan", -2, NO_KEYS, Run::Look(scan), "Some keys, and where the next are"),
    ]
}

fn keys<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let mut found = Vec::new();
    for entry in look.keys.entries.iter(&look.reader) {
        let (key, entry) = entry?;
        if entry.is_live(look.now) && glob::fits(args.at(1), key) {
            found.push(Reply::Bulk(key.clone()));
        }
    }
    Ok(Reply::Array(found))
}

/// The words behind `SCAN cursor`.
#[derive(Debug)]
struct ScanOptions<'w> {
    pattern: Option<&'w [u8]>,
    type_name: Option<&'w [u8]>,
    count: usize,
}

impl<'w> ScanOptions<'w> {
    fn parse(args: &'w Args) -> Result<Self, Fault> {
        let mut options = Self { pattern: None, type_name: None, count: 10 };
        let mut at = 2;
        while at < args.len() {
            let Some(value) = args.get(at + 1) else { return Err(SYNTAX.into()) };
            if args.is(at, "MATCH") {
                options.pattern = Some(value);
            } else if args.is(at, "TYPE") {
                options.type_name = Some(value);
            } else if args.is(at, "COUNT") {
                let count = integer(value)?;
                options.count = usize::try_from(count).ok().filter(|&n| n > 0).ok_or(SYNTAX)?;
            } else {
                return Err(SYNTAX.into());
            }
            at += 2;
        }
        Ok(options)
    }

    fn wants<E: Entry>(&self, key: &[u8], entry: &E) -> bool {
        self.pattern.is_none_or(|pattern| glob::fits(pattern, key))
            && self
                .type_name
                .is_none_or(|name| entry.type_name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// A cursor is a position in the map: it holds in every later transaction.
fn scan<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let cursor = std::str::from_utf8(args.at(1)).ok().and_then(|word| word.parse().ok());
    let mut at: u64 = cursor.ok_or("ERR invalid cursor")?;
    let options = ScanOptions::parse(args)?;
    let (mut seen, mut found) = (0, Vec::new());
    while seen < options.count {
        let (page, next) = look.keys.entries.page(&look.reader, at)?;
        for (key, object) in page {
            seen += 1;
            let entry = upgradable::Read::read(&look.reader, object)?;
            if entry.is_live(look.now) && options.wants(key, entry) {
                found.push(Reply::Bulk(key.clone()));
            }
        }
        at = next.unwrap_or(0);
        if at == 0 {
            break;
        }
    }
    Ok(Reply::Array(vec![Reply::text(at.to_string()), Reply::Array(found)]))
}
