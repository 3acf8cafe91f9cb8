//! Whose turn it is, where several are measured round after round.

/// The places of a round, in the order of their turns: each round begins with another one, so that
/// none always follows the same.
pub(crate) fn turns(round: usize, places: usize) -> impl Iterator<Item = usize> {
    (0..places).map(move |at| (at + round) % places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_begins_with_another_one() {
        let rounds = [0, 1, 2, 3].map(|round| turns(round, 3).collect::<Vec<_>>());
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
        assert_eq!(turns(1, 0).count(), 0);
    }
}
