//! How long an action will take, by what is usual and by how long it once took.

use std::time::Duration;

/// At most so many times as long as usual, and no less than these seconds, is foretold because it once took so long.
const UNUSUAL: u64 = 4;
const A_MOMENT: u64 = 60;

/// How many seconds an action will take that usually takes `usual`, and once took `learned`.
pub(super) fn foretold(usual: Duration, learned: Option<u64>) -> u64 {
    let usual = usual.as_secs();
    // What took far longer than it does elsewhere had a cause that foretells nothing.
    let most = usual.saturating_mul(UNUSUAL).max(A_MOMENT);
    learned.map_or(usual, |learned| learned.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_unusually_long_foretells_little() {
        let of = |usual, learned| foretold(Duration::from_secs(usual), learned);
        assert_eq!(of(600, None), 600);
        assert_eq!(of(600, Some(900)), 900);
        assert_eq!(of(600, Some(10_800)), 2400);
        assert_eq!((of(1, Some(20)), of(1, Some(10_800))), (20, 60));
    }
}
