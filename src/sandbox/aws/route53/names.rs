//! Domain names as Route 53 keeps, spells and sorts them.

/// Lower case, with a trailing dot; what is no letter, digit, `-`, `_` or `.` as an octal escape.
pub(super) fn normalise(name: &str) -> String {
    let mut normal = String::new();
    for byte in name.trim_end_matches('.').bytes() {
        match byte.to_ascii_lowercase() {
            kept @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'\\') => {
                normal.push(char::from(kept));
            }
            other => normal.push_str(&format!("\\{other:03o}")),
        }
    }
    normal.push('.');
    normal
}

/// Whether a normal name has labels of 1 to 63 characters and 255 at most in all.
pub(super) fn is_valid(name: &str) -> bool {
    name.len() <= 255
        && name
            .trim_end_matches('.')
            .split('.')
            .all(|label| (1..=63).contains(&label.len()))
}

/// Orders names as lists are ordered: by their labels from the right.
pub(super) fn sort_key(name: &str) -> String {
    let labels: Vec<&str> = name.trim_end_matches('.').rsplit('.').collect();
    labels.join(".") + "."
}

/// Whether `name` is `zone` or lies below it; both normal.
pub(super) fn is_within(name: &str, zone: &str) -> bool {
    name == zone || name.ends_with(&format!(".{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normal_and_sort_from_the_right() {
        assert_eq!(normalise("RDS.Example.com"), "rds.example.com.");
        assert_eq!(normalise("*.example.com."), "\\052.example.com.");
        assert!(is_within("rds.example.com.", "example.com."));
        assert!(!is_within("badexample.com.", "example.com."));
        assert!(is_valid("a.b.") && !is_valid("a..b.") && !is_valid("."));
        let mut names = ["z.a.com.", "a.b.com.", "com.", "a.com."];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(names, ["com.", "a.com.", "z.a.com.", "a.b.com."]);
    }
}
