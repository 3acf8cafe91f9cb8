//! Titles as keys of an index.

/// Letters of the longest title there can be.
const LONGEST: usize = 24;

/// A title as numbers that are ordered as its letters are: two of them are compared in three steps
/// at most, without a look elsewhere.
pub(crate) type TitleKey = [u64; LONGEST / 8];

pub(crate) fn title_key(title: &str) -> TitleKey {
    let mut letters = [0; LONGEST];
    letters[..title.len()].copy_from_slice(title.as_bytes());
    let mut key = TitleKey::default();
    for (number, letters) in key.iter_mut().zip(letters.chunks_exact(8)) {
        *number = letters.iter().fold(0, |number, &letter| number << 8 | u64::from(letter));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::title_key;
    use crate::structure::title_of;

    #[test]
    fn keys_are_ordered_as_titles_are() {
        let mut titles: Vec<_> = [1, 2, 9, 10, 11, 100, 525, 52_500].map(title_of).into();
        titles.push("Composite Part".to_owned());
        titles.sort();
        assert!(titles.is_sorted_by_key(|title| title_key(title)));
        assert!(titles.windows(2).all(|pair| title_key(&pair[0]) != title_key(&pair[1])));
    }
}
