//! Values with parts as strings, and back: how they look in a version that has strings only.
//!
//! A value that comes back from a later version is a string that says what it was, with a checksum,
//! and becomes it again in the next upgrade. There is one such string for each value, and no value
//! but one for each such string; everything else is a string that means nothing but itself.
//!
//! ```text
//! magic, kind, items, checksum     item: length in 4 bytes, bytes
//! ```
//!
//! A string that looks like this by itself is put into one of the kind `t`, so that it is found
//! unchanged when it has gone back and forth.

use siphasher::sip::SipHasher24;

use super::value::{Hash, List, Part, Score, Set, Sorted, Value};
use super::{Plain, Text};
use crate::store::number;

const MAGIC: &[u8] = b"\x01kv.dump\x01";
const CHECKSUM: usize = 8;

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    SipHasher24::new_with_keys(0x6b76, 0x64756d70).hash(bytes).to_le_bytes()
}

impl Value {
    /// What a string of the first version is.
    pub(crate) fn of_text(text: &Text) -> Self {
        match number::parse(text) {
            Some(number) => Self::Number(number),
            None => decode(text).unwrap_or_else(|| Self::Text(Text::clone(text))),
        }
    }

    /// What it is in the first version.
    pub(crate) fn to_text(&self) -> Text {
        match self {
            Self::Number(number) => Plain::Number(*number).with(|digits| digits.into()),
            Self::Text(text) if decode(text).is_none() => Text::clone(text),
            Self::Text(text) => encode(b't', [&**text]),
            Self::Hash(hash) => encode(b'h', hash.iter().flat_map(|(key, value)| [&**key, value])),
            Self::List(list) => encode(b'l', list.iter().map(|item| &**item)),
            Self::Set(set) => encode(b's', set.iter().map(|member| &**member)),
            Self::Sorted(sorted) => {
                let mut items = Vec::new();
                for (member, score) in sorted.by_member() {
                    items.push(member.to_vec());
                    items.push(score.get().to_bits().to_le_bytes().to_vec());
                }
                encode(b'z', items.iter().map(|item| &item[..]))
            }
        }
    }
}

fn encode<'i>(kind: u8, items: impl IntoIterator<Item = &'i [u8]>) -> Text {
    let mut out = MAGIC.to_vec();
    out.push(kind);
    for item in items {
        // Words have less than four gigabytes.
        out.extend_from_slice(&(item.len() as u32).to_le_bytes());
        out.extend_from_slice(item);
    }
    let sum = checksum(&out);
    out.extend_from_slice(&sum);
    out.into()
}

/// The value that a string says it is, if it is exactly what that value is written as.
fn decode(text: &[u8]) -> Option<Value> {
    // Most strings end here.
    let rest = text.strip_prefix(MAGIC)?;
    let (rest, sum) = rest.split_last_chunk::<CHECKSUM>()?;
    let (kind, rest) = rest.split_first()?;
    if checksum(&text[..text.len() - CHECKSUM]) != *sum {
        return None;
    }
    let items = items(rest)?;
    let pairs = || items.as_chunks::<2>();
    let rises = |step: usize| items.iter().step_by(step).is_sorted_by(|one, other| one < other);
    match kind {
        _ if items.is_empty() => None,
        b't' if items.len() == 1 && decode(items[0]).is_some() => {
            Some(Value::Text(items[0].into()))
        }
        b'l' => Some(items.iter().map(|&item| Text::from(item)).collect::<List>().into_value()),
        b's' if rises(1) => {
            Some(items.iter().map(|&item| Text::from(item)).collect::<Set>().into_value())
        }
        b'h' if rises(2) && pairs().1.is_empty() => {
            let pairs = pairs().0.iter().map(|[key, value]| (Text::from(*key), Text::from(*value)));
            Some(pairs.collect::<Hash>().into_value())
        }
        b'z' if rises(2) && pairs().1.is_empty() => {
            let mut sorted = Sorted::default();
            for [member, bits] in pairs().0 {
                let number = f64::from_bits(u64::from_le_bytes((*bits).try_into().ok()?));
                let score = Score::new(number)?;
                if score.get().to_bits() != number.to_bits() {
                    return None;
                }
                sorted.insert(Text::from(*member), score);
            }
            Some(sorted.into_value())
        }
        _ => None,
    }
}

fn items(mut rest: &[u8]) -> Option<Vec<&[u8]>> {
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (len, behind) = rest.split_first_chunk::<4>()?;
        let (item, behind) = behind.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        items.push(item);
        rest = behind;
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    use super::{CHECKSUM, MAGIC, checksum, encode};
    use crate::store::Text;
    use crate::store::entry::value::{Part, Score, Sorted, Value};

    fn word() -> impl Strategy<Value = Text> {
        vec(any::<u8>(), 0..6).prop_map(Text::from)
    }

    fn aggregate() -> impl Strategy<Value = Value> {
        let sorted = btree_map(word(), any::<f64>(), 1..5).prop_map(|members| {
            let mut sorted = Sorted::default();
            for (member, number) in members {
                sorted.insert(member, Score::new(number).unwrap_or(Score::new(0.0).expect("one")));
            }
            sorted.into_value()
        });
        prop_oneof![
            btree_map(word(), word(), 1..5)
                .prop_map(|map| Value::Hash(Box::new(map.into_iter().collect()))),
            btree_set(word(), 1..5).prop_map(|set| Value::Set(Box::new(set.into_iter().collect()))),
            vec(word(), 1..5).prop_map(|list| Value::List(Box::new(list.into_iter().collect()))),
            sorted,
        ]
    }

    /// What people may have stored, with strings that look like dumps or nearly so.
    fn text() -> impl Strategy<Value = Text> {
        let damaged = (aggregate(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
            |(value, place, byte)| {
                let mut text = value.to_text().to_vec();
                let place = place.index(text.len());
                text[place] = byte;
                Text::from(text)
            },
        );
        let summed = (vec(any::<u8>(), 0..12), prop::sample::select(b"hlszt".to_vec())).prop_map(
            |(bytes, kind)| {
                let mut text = [MAGIC, &[kind], &bytes].concat();
                text.extend(checksum(&text));
                Text::from(text)
            },
        );
        let dumped = aggregate().prop_map(|value| value.to_text());
        let twice = aggregate().prop_map(|value| encode(b't', [&*value.to_text()]));
        let number = any::<i64>().prop_map(|number| number.to_string().into_bytes().into());
        prop_oneof![word(), number, dumped, twice, damaged, summed]
    }

    proptest! {
        #[test]
        fn what_goes_forth_and_back_is_what_it_was(text in text()) {
            prop_assert_eq!(Value::of_text(&text).to_text(), text);
        }

        #[test]
        fn what_goes_back_and_forth_is_what_it_was(
            value in prop_oneof![
                aggregate(),
                text().prop_map(|text| Value::of_bytes(&text)),
            ],
        ) {
            prop_assert_eq!(Value::of_text(&value.to_text()), value);
        }
    }

    #[test]
    fn what_is_not_sorted_or_empty_is_only_a_string() {
        for text in [
            encode(b's', [&b"b"[..], b"a"]),
            encode(b's', [&b"a"[..], b"a"]),
            encode(b'h', [&b"a"[..]]),
            encode(b'l', []),
            encode(b'z', [&b"a"[..], b"short"]),
            encode(b'z', [&b"a"[..], &f64::NAN.to_bits().to_le_bytes()]),
            encode(b'z', [&b"a"[..], &(-0.0_f64).to_bits().to_le_bytes()]),
            encode(b't', [&b"a"[..]]),
            encode(b'?', [&b"a"[..]]),
            MAGIC.into(),
            [MAGIC, &[0; CHECKSUM]].concat().into(),
        ] {
            assert_eq!(Value::of_text(&text), Value::Text(text));
        }
    }
}
