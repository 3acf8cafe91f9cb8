//! Numbers as text.

/// The number, if this is exactly how it is written: no sign but a minus, no leading zeros, no
/// spaces.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_short = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    // What is left to find out is whether it fits.
    if is_short { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn only_the_usual_way_to_write_a_number() {
        for text in ["", "-", "+1", "01", "-0", "00", " 1", "1 ", "1.0", "0x1", "1e3", "a"] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse(b"9223372036854775808"), None);
        assert_eq!(parse(b"-9223372036854775809"), None);
        assert_eq!(parse(b"99999999999999999999999"), None);
        assert_eq!(parse(b"0"), Some(0));
    }

    proptest! {
        #[test]
        fn written_and_read(number in any::<i64>()) {
            prop_assert_eq!(parse(number.to_string().as_bytes()), Some(number));
        }

        #[test]
        fn read_and_written(text in "-?[0-9]{1,20}") {
            if let Some(number) = parse(text.as_bytes()) {
                prop_assert_eq!(number.to_string(), text);
            }
        }
    }
}
