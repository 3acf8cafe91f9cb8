//! Requests as people type them: words on a line, some in quotes.

use super::Args;

/// Splits a line into words. `None` if a quote is not closed, or is closed in the middle of a word.
pub(super) fn split(line: &[u8], args: &mut Args) -> Option<()> {
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        rest = word(rest, args)?.trim_ascii_start();
        args.end_word();
    }
    Some(())
}

/// Takes one word off the line.
fn word<'l>(mut rest: &'l [u8], args: &mut Args) -> Option<&'l [u8]> {
    while let Some((&byte, behind)) = rest.split_first() {
        rest = match byte {
            b'"' => closed(double_quoted(behind, args)?)?,
            b'\'' => closed(single_quoted(behind, args)?)?,
            byte if byte.is_ascii_whitespace() || byte == 0 => return Some(behind),
            byte => {
                args.extend_word(&[byte]);
                behind
            }
        };
    }
    Some(rest)
}

/// Nothing but a space may follow a closing quote.
fn closed(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(u8::is_ascii_whitespace).then_some(rest)
}

fn double_quoted<'l>(mut rest: &'l [u8], args: &mut Args) -> Option<&'l [u8]> {
    loop {
        let (byte, behind) = match rest {
            [b'"', behind @ ..] => return Some(behind),
            [b'\\', b'x', high, low, behind @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (digit(*high) << 4 | digit(*low), behind)
            }
            [b'\\', escaped, behind @ ..] => (unescape(*escaped), behind),
            [byte, behind @ ..] => (*byte, behind),
            [] => return None,
        };
        args.extend_word(&[byte]);
        rest = behind;
    }
}

fn single_quoted<'l>(mut rest: &'l [u8], args: &mut Args) -> Option<&'l [u8]> {
    loop {
        let (byte, behind) = match rest {
            [b'\'', behind @ ..] => return Some(behind),
            [b'\\', b'\'', behind @ ..] => (b'\'', behind),
            [byte, behind @ ..] => (*byte, behind),
            [] => return None,
        };
        args.extend_word(&[byte]);
        rest = behind;
    }
}

fn digit(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        b'a'..=b'f' => hex - b'a' + 10,
        _ => hex - b'A' + 10,
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Args, split};

    fn words(line: &str) -> Option<Vec<String>> {
        let mut args = Args::default();
        split(line.as_bytes(), &mut args)?;
        Some(args.from(0).map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    #[test]
    fn lines_fall_into_words() {
        let table: &[(&str, Option<&[&str]>)] = &[
            ("", Some(&[])),
            ("  \t ", Some(&[])),
            ("PING", Some(&["PING"])),
            ("  set  a  b ", Some(&["set", "a", "b"])),
            ("set a \"b c\"", Some(&["set", "a", "b c"])),
            (r#"set a "\x41\n\"\q""#, Some(&["set", "a", "A\n\"q"])),
            (r"set a 'b\'c\n'", Some(&["set", "a", r"b'c\n"])),
            ("set \"\" ''", Some(&["set", "", ""])),
            ("a\"b\"", Some(&["ab"])),
            ("\"open", None),
            ("'open", None),
            ("\"a\"b", None),
            ("'a'b", None),
            ("\"ends\\", None),
        ];
        for (line, expected) in table {
            let expected =
                expected.map(|words| words.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(words(line), expected, "{line}");
        }
    }
}
