//! Pages of a list, as every service with a marker or token cuts them.

use super::call::{Fault, Params};

/// One page, and the token that asks for the next one.
#[derive(Debug, PartialEq)]
pub struct Page<T> {
    /// The elements of this page.
    pub items: Vec<T>,
    /// The key of the last element, where more follow.
    pub next: Option<String>,
}

/// Cuts the page that follows the key `after` from elements that come in the order of their keys. Tokens are
/// keys, so that elements which come or go between two requests move no page's boundary.
pub fn cut<T>(
    elements: impl IntoIterator<Item = (String, T)>,
    after: Option<&str>,
    size: usize,
) -> Page<T> {
    let mut rest = elements
        .into_iter()
        .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
    let mut last = None;
    let mut items = Vec::new();
    for (key, item) in rest.by_ref().take(size) {
        last = Some(key);
        items.push(item);
    }
    let next = last.filter(|_| rest.next().is_some());
    Page { items, next }
}

/// Reads the wanted size of a page from the member `name`.
///
/// # Errors
/// `code`, when it is not a number from 1 to `most`.
pub fn size(
    params: &Params,
    name: &str,
    default: usize,
    most: usize,
    code: &str,
) -> Result<usize, Fault> {
    match params.text(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| {
                Fault::new(
                    code,
                    format!("{name} must be a number from 1 to {most}, not {text}"),
                )
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_to_the_whole_list_and_the_last_has_no_token() {
        let all = || ["a", "b", "c", "d"].map(|key| (key.to_owned(), key));
        let first = cut(all(), None, 3);
        assert_eq!(first.items, ["a", "b", "c"]);
        let second = cut(all(), first.next.as_deref(), 3);
        assert_eq!((second.items, second.next), (vec!["d"], None));
        assert_eq!(cut(all(), None, 4).next, None);
        assert_eq!(cut(all(), Some("bb"), 4).items, ["c", "d"]);
    }
}
