//! Patterns of keys: `*`, `?`, `[a-c]`, `[^a]`, and `\` before what is meant as it is.

/// Whether the pattern fits the whole text, in time proportional to the product of their lengths.
pub(crate) fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // The last star, and what it has not swallowed yet.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            pattern = rest;
            star = Some((rest, text));
            continue;
        }
        match (one(pattern, text.first().copied()), text) {
            (Some(rest), [_, behind @ ..]) => (pattern, text) = (rest, behind),
            _ if pattern.is_empty() && text.is_empty() => return true,
            _ => match star {
                Some((after, [_, behind @ ..])) => {
                    (pattern, text) = (after, behind);
                    star = Some((after, behind));
                }
                _ => return false,
            },
        }
    }
}

/// The pattern behind its first element, if that fits the byte.
fn one(pattern: &[u8], byte: Option<u8>) -> Option<&[u8]> {
    let byte = byte?;
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'\\', escaped, rest @ ..] => (*escaped == byte).then_some(rest),
        [b'[', b'^', rest @ ..] => class(rest, byte).and_then(|(is, rest)| (!is).then_some(rest)),
        [b'[', rest @ ..] => class(rest, byte).and_then(|(is, rest)| is.then_some(rest)),
        [own, rest @ ..] => (*own == byte).then_some(rest),
    }
}

/// Whether a byte is in the class that begins here, and what comes behind it. A class that is not
/// closed ends with the pattern.
fn class(mut rest: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let mut is = false;
    loop {
        rest = match rest {
            [] => return Some((is, rest)),
            [b']', behind @ ..] => return Some((is, behind)),
            [b'\\', escaped, behind @ ..] => {
                is |= *escaped == byte;
                behind
            }
            [from, b'-', to, behind @ ..] => {
                is |= (from.min(to)..=from.max(to)).contains(&&byte);
                behind
            }
            [own, behind @ ..] => {
                is |= *own == byte;
                behind
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_and_what_they_fit() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("", &[""], &["a"]),
            ("*", &["", "a", "abc"], &[]),
            ("a*c", &["ac", "abc", "abcc"], &["", "a", "abcd"]),
            ("*a*b*", &["ab", "xaxbx"], &["ba", "a"]),
            ("h?llo", &["hello", "hallo"], &["hllo", "heello"]),
            ("h[ae]llo", &["hello", "hallo"], &["hillo", "h[ae]llo"]),
            ("h[^e]llo", &["hallo"], &["hello"]),
            ("h[a-c]llo", &["hallo", "hcllo"], &["hdllo"]),
            ("h[c-a]llo", &["hbllo"], &["hdllo"]),
            (r"h\*llo", &["h*llo"], &["hello"]),
            (r"[\]]", &["]"], &["a"]),
            ("[ab", &["a", "b"], &["c", "[ab"]),
            ("a\\", &["a\\"], &["a"]),
        ];
        for (pattern, fitting, others) in table {
            for text in *fitting {
                assert!(fits(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
            }
            for text in *others {
                assert!(!fits(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "a*".repeat(30) + "b";
        assert!(!fits(pattern.as_bytes(), "a".repeat(1000).as_bytes()));
    }
}
