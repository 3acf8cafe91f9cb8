//! Names put together by the compiler: `Pair<bank.Line>` from `Pair` and its arguments.

/// Builds a name in a constant.
///
/// Generic types need it: the lineage of `Pair<T>` names `T`.
///
/// ```
/// use upgradable::{NameBuilder, Shape};
///
/// struct Pair<T>(T, T);
/// impl<T: Shape> Shape for Pair<T> {
///     const NAME: &'static str =
///         const { &NameBuilder::new().text("Pair<").text(T::NAME).text(">") }.as_str();
/// }
/// assert_eq!(<Pair<Vec<u8>>>::NAME, "Pair<Vec<u8>>");
/// # let _ = (Pair(1, 2).0, Pair(1, 2).1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NameBuilder {
    bytes: [u8; NameBuilder::CAPACITY],
    len: usize,
}

impl NameBuilder {
    /// The longest name there can be, in bytes; a longer one does not compile.
    pub const CAPACITY: usize = 256;

    /// An empty name.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }

    /// Appends `text`.
    ///
    /// # Panics
    ///
    /// When the name becomes longer than [`CAPACITY`](Self::CAPACITY).
    #[must_use]
    pub const fn text(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        assert!(text.len() <= Self::CAPACITY - self.len, "a type's name is longer than 256 bytes");
        let mut at = 0;
        while at < text.len() {
            self.bytes[self.len] = text[at];
            self.len += 1;
            at += 1;
        }
        self
    }

    /// Appends a number, as decimal digits.
    ///
    /// # Panics
    ///
    /// When the name becomes longer than [`CAPACITY`](Self::CAPACITY).
    #[must_use]
    pub const fn number(self, number: i128) -> Self {
        let mut name = if number < 0 { self.text("-") } else { self };
        let mut rest = number.unsigned_abs();
        let mut digits = [0_u8; 39];
        let mut count = 0;
        loop {
            digits[count] = b'0' + (rest % 10) as u8;
            count += 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        assert!(count <= Self::CAPACITY - name.len, "a type's name is longer than 256 bytes");
        while count > 0 {
            count -= 1;
            name.bytes[name.len] = digits[count];
            name.len += 1;
        }
        name
    }

    /// The name.
    ///
    /// # Panics
    ///
    /// Never: only whole texts were appended.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(name) => name,
            Err(_) => panic!("only whole texts are appended"),
        }
    }
}

impl Default for NameBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// `==` of names in constants.
pub(crate) const fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{NameBuilder, same_name};

    #[test]
    fn numbers_read_as_they_are_written() {
        for number in [0, 7, 10, -1, 90_210, i128::MAX, i128::MIN] {
            let name = NameBuilder::new().number(number);
            assert_eq!(name.as_str(), number.to_string());
        }
    }

    #[test]
    #[should_panic(expected = "longer than 256 bytes")]
    fn a_long_name_is_refused() {
        let _ = NameBuilder::new().text(&"x".repeat(256)).text("y");
    }

    #[test]
    fn a_name_of_the_greatest_length_is_taken() {
        let longest = "x".repeat(256);
        assert_eq!(NameBuilder::new().text(&longest).as_str(), longest);
    }

    #[test]
    fn names_compare() {
        assert!(same_name("bank.Account", "bank.Account"));
        assert!(!same_name("bank.Account", "bank.account"));
        assert!(!same_name("bank", "bank.Account"));
    }
}
