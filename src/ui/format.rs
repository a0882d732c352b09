//! Durations, cut texts and counts.

use jiff::Timestamp;

/// Seconds as people say them: `45 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`.
pub fn duration(seconds: u64) -> String {
    let two = |large: u64, unit: &str, small: u64, smaller: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {smaller}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// Seconds as an estimate: whole minutes from two minutes on.
pub fn estimate(seconds: u64) -> String {
    match seconds {
        0..120 => duration(seconds),
        _ => duration(seconds.div_ceil(60) * 60),
    }
}

/// Whole seconds from one moment to another.
pub fn seconds_between(earlier: Timestamp, later: Timestamp) -> u64 {
    u64::try_from(later.duration_since(earlier).as_secs()).unwrap_or(0)
}

/// `text` in at most `width` characters.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// `text` in at most `width` characters, of which the last say most: the middle goes.
pub fn squeeze(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let begin = kept / 3;
    let begin_text: String = text.chars().take(begin).collect();
    let end: String = text.chars().skip(length - (kept - begin)).collect();
    format!("{begin_text}…{end}")
}

/// `text` in lines of at most `width` characters, broken between words where there are any.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = |line: &&mut String| line.chars().count() + 1 + word.chars().count() <= width;
        if let Some(line) = lines.last_mut().filter(fits) {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        let letters: Vec<char> = word.chars().collect();
        lines.extend(letters.chunks(width).map(|part| part.iter().collect()));
    }
    lines
}

/// `1 resource`, `2 resources`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let said: Vec<String> = [0, 59, 60, 200, 3_600, 7_500, 90_000]
            .into_iter()
            .map(duration)
            .collect();
        assert_eq!(
            said,
            [
                "0 s",
                "59 s",
                "1 min",
                "3 min 20 s",
                "1 h",
                "2 h 5 min",
                "1 d 1 h"
            ]
        );
        assert_eq!(estimate(742), "13 min");
    }

    #[test]
    fn a_cut_text_has_the_width_it_was_given() {
        assert_eq!(cut("staging", 7), "staging");
        assert_eq!(cut("Überlänge", 5), "Über…");
        assert_eq!(squeeze("staging", 7), "staging");
        assert_eq!(squeeze("bootstrap.agent.service", 10), "boo…ervice");
    }

    #[test]
    fn a_wrapped_text_keeps_every_word() {
        assert_eq!(wrap("size: 3 → 4", 20), ["size: 3 → 4"]);
        assert_eq!(wrap("size: 3 → 4", 8), ["size: 3", "→ 4"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), Vec::<String>::new());
    }
}
