//! Axes: from values to places, and where the ticks are.

/// A range of values along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Scale {
    /// From zero to a round number above the greatest value.
    pub(crate) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let high = if most > 0.0 { most * 1.05 } else { 1.0 };
        Self { low: 0.0, high, logarithmic: false }
    }

    /// Exactly from the least to the greatest value.
    pub(crate) fn tight(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        if low < high {
            Self { low, high, logarithmic: false }
        } else {
            Self { low: 0.0, high: 1.0, logarithmic: false }
        }
    }

    /// Whole powers of ten around all values that are positive.
    pub(crate) fn logarithmic(values: impl Iterator<Item = f64> + Clone) -> Self {
        let positive = values.filter(|&value| value.is_finite() && value > 0.0);
        let low = positive.clone().fold(f64::INFINITY, f64::min);
        let high = positive.fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return Self { low: 1.0, high: 10.0, logarithmic: true };
        }
        let low = 10_f64.powf(low.log10().floor());
        let high = 10_f64.powf(high.log10().ceil()).max(low * 10.0);
        Self { low, high, logarithmic: true }
    }

    /// Where a value is, from 0 at the low end to 1.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let place = if self.logarithmic {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        place.clamp(0.0, 1.0)
    }

    /// Round values along the axis.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let decades = (self.high / self.low).log10().round() as i32;
            return (0..=decades).map(|decade| self.low * 10_f64.powi(decade)).collect();
        }
        let span = self.high - self.low;
        let rough = 10_f64.powf((span / 5.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * rough);
        let step = step.into_iter().find(|step| span / step <= 6.0).unwrap_or(span);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }
}

/// A number as short as it can be read.
pub(crate) fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = format!("{scaled:.3}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{}{unit}", if digits == "-0" { "0" } else { digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(Scale::linear([47.0].into_iter()).ticks(), [0.0, 10.0, 20.0, 30.0, 40.0]);
        let decades = Scale::logarithmic([0.3, 200.0].into_iter()).ticks();
        assert_eq!(decades.len(), 5);
        assert!((decades[0] - 0.1).abs() < 1e-9 && (decades[4] - 1000.0).abs() < 1e-6);
    }

    #[test]
    fn places_are_between_the_ends() {
        let scale = Scale::logarithmic([1.0, 100.0].into_iter());
        assert_eq!([0.0, 1.0, 10.0, 100.0].map(|v| scale.place(v)), [0.0, 0.0, 0.5, 1.0]);
        assert_eq!(Scale::tight([2.0, 4.0].into_iter()).place(3.0), 0.5);
        assert_eq!(Scale::linear(std::iter::empty()).place(0.0), 0.0);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 0.25, 950.0, 12_000.0, 2.5e6].map(short),
            ["0", "0.25", "950", "12k", "2.5M"]
        );
    }
}
