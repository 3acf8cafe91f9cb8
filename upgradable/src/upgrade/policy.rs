//! What an upgrade does when something goes wrong, and how fast it migrates.

use std::time::Duration;

/// What happens when an object can't be transformed.
///
/// Whatever it is: the object stays as it was, and the transaction that touched it gets
/// [`AccessError::Untransformed`](crate::AccessError::Untransformed).
///
/// ```
/// use upgradable::{OnFailure, Upgrade};
/// # #[derive(upgradable::Upgradable, Clone)] struct Tag(u8);
/// let plan = Upgrade::to("2").refresh::<Tag>().on_failure(OnFailure::Quarantine);
/// # let _ = plan;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailure {
    /// The next touch tries again.
    #[default]
    Fail,
    /// The object is not tried again before
    /// [`RunningUpgrade::retry_failed`](crate::RunningUpgrade::retry_failed).
    Quarantine,
    /// The whole upgrade is rolled back. For upgrades that can be.
    RollBack,
}

/// How objects that nobody touches are transformed.
///
/// ```
/// use upgradable::{Background, Pace, Upgrade};
/// # #[derive(upgradable::Upgradable, Clone)] struct Tag(u8);
/// let plan = Upgrade::to("2").refresh::<Tag>().background(Background::On(Pace::Full));
/// # let _ = plan;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Background {
    /// By a thread, at this pace.
    On(Pace),
    /// Not, until somebody [waits](crate::RunningUpgrade::wait) for it.
    Off,
}

impl Default for Background {
    fn default() -> Self {
        Self::On(Pace::default())
    }
}

/// How fast the background migration goes, and what tidies up after it.
///
/// The default is slow, as a program that is at work notices the background twice: by the processor
/// that it takes, and by what it drives out of the caches. Where memory for both versions is scarce,
/// or the upgrade is to be promoted soon, [`RunningUpgrade::set_pace`](crate::RunningUpgrade::set_pace)
/// makes it go faster at any time.
///
/// ```
/// use upgradable::Pace;
/// assert_eq!(Pace::default(), Pace::Share(0.05));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Pace {
    /// As fast as it can.
    Full,
    /// It works for this share of the time, from 0 to 1.
    Share(f64),
    /// It goes through so many slots of the heap in a second.
    SlotsPerSecond(u32),
}

impl Default for Pace {
    fn default() -> Self {
        Self::Share(0.05)
    }
}

impl Pace {
    /// How long to rest after working so long on so many slots.
    pub(crate) fn rest_after(self, worked: Duration, slots: u64) -> Duration {
        match self {
            Self::Full => Duration::ZERO,
            Self::Share(share) => {
                let share = if share.is_finite() { share.clamp(0.001, 1.0) } else { 1.0 };
                worked.mul_f64(1.0 / share - 1.0)
            }
            Self::SlotsPerSecond(most) => {
                let due = Duration::from_secs_f64(slots as f64 / f64::from(most.max(1)));
                due.saturating_sub(worked)
            }
        }
    }
}

/// When objects are transformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// When they are touched, or in the background.
    #[default]
    Lazy,
    /// All at the flip, by so many threads, while transactions wait.
    Eager(usize),
}
