//! What is answered to words that nobody knows. It shows them as they are, up to their first zero.

use crate::resp::Args;
use crate::store::fault::wrong_arity;

/// Bytes that are shown.
const SHOWN: usize = 128;

fn shown(word: &[u8], most: usize) -> &[u8] {
    let end = word.iter().position(|&byte| byte == 0).unwrap_or(word.len());
    &word[..end.min(most)]
}

/// What is answered to a command that nobody knows.
pub(super) fn unknown(args: &Args) -> Vec<u8> {
    let mut beginning = Vec::new();
    for word in args.from(1) {
        if beginning.len() >= SHOWN {
            break;
        }
        beginning = [&beginning, &b"'"[..], shown(word, SHOWN - beginning.len()), b"' "].concat();
    }
    let name = shown(args.at(0), SHOWN);
    [b"ERR unknown command '", name, b"', with args beginning with: ", &beginning].concat()
}

/// Checks the second word of a command that consists of parts, each with so many words as it
/// says; if negative, at least so many. Gives what to answer if it does not go.
pub(crate) fn check_part(args: &Args, command: &str, parts: &[(&str, i64)]) -> Result<(), Vec<u8>> {
    let Some(&(part, arity)) = parts.iter().find(|(part, _)| args.is(1, part)) else {
        let (part, command) = (shown(args.at(1), SHOWN), command.to_ascii_uppercase());
        let hint = format!("'. Try {command} HELP.");
        return Err([b"ERR unknown subcommand '", part, hint.as_bytes()].concat());
    };
    let len = args.len() as i64;
    let goes = if arity < 0 { len >= -arity } else { len == arity };
    if goes { Ok(()) } else { Err(wrong_arity(&format!("{command}|{part}")).into_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::{check_part, unknown};
    use crate::resp::Args;

    fn args(words: &[&[u8]]) -> Args {
        words.iter().copied().collect()
    }

    #[test]
    fn words_are_shown_as_they_are() {
        let told = |words| unknown(&args(words)).escape_ascii().to_string();
        let begin = r"ERR unknown command \'NO\', with args beginning with: ";
        assert_eq!(told(&[b"NO"]), begin);
        assert_eq!(told(&[b"NO", b"a", b"\xffb\0c"]), format!(r"{begin}\'a\' \'\xffb\' "));
        let long = [b'x'; 200];
        assert_eq!(told(&[b"NO", &long, b"y"]), format!(r"{begin}\'{}\' ", "x".repeat(128)));
    }

    #[test]
    fn parts_and_their_words() {
        let parts = [("get", -3), ("id", 2)];
        let told = |words| {
            let told = check_part(&args(words), "client", &parts);
            told.map_err(|told| String::from_utf8_lossy(&told).into_owned())
        };
        assert_eq!(told(&[b"client", b"ID"]), Ok(()));
        assert_eq!(told(&[b"client", b"get", b"a", b"b"]), Ok(()));
        let arity = "ERR wrong number of arguments for 'client|id' command";
        assert_eq!(told(&[b"client", b"Id", b"x"]), Err(arity.to_owned()));
        let unknown = "ERR unknown subcommand 'x'. Try CLIENT HELP.";
        assert_eq!(told(&[b"client", b"x"]), Err(unknown.to_owned()));
    }
}
