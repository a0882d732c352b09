//! A module may import only from those left of it. This test holds that (DESIGN §6).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From left to right. `sensitive`, `clock` and `digest` hold next to nothing, so everyone may import them.
const LAYERS: [&str; 20] = [
    "sensitive",
    "clock",
    "digest",
    "address",
    "graph",
    "environment",
    "permissions",
    "state",
    "cloud",
    "resources",
    "observe",
    "plan",
    "policy",
    "event",
    "apply",
    "ops",
    "ui",
    "sandbox",
    "cli",
    "main",
];

pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The layers that a source text names after `crate::`, outside comments and unit tests.
fn imported(text: &str) -> Vec<&str> {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let mentions = code.match_indices("crate::").filter(|(at, _)| {
        let line = code[..*at].rsplit('\n').next().unwrap_or_default();
        !line.trim_start().starts_with("//")
    });
    mentions
        .flat_map(|(at, crate_)| {
            let rest = &code[at + crate_.len()..];
            match rest.strip_prefix('{') {
                Some(group) => named_in(group),
                None => vec![first_name(rest)],
            }
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// The name that a text begins with.
fn first_name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// What each member of a group of imports begins with; `group` is what stands behind its opening brace.
fn named_in(group: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut depth, mut member) = (0, 0);
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(first_name(group[member..at].trim_start()));
                member = at + 1;
                if sign == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

/// Whether the file is compiled for tests only: `tests.rs`, `testing.rs`, and what is in a folder `tests`.
pub fn only_tests(path: &Path) -> bool {
    path.components().any(|part| {
        matches!(
            part.as_os_str().to_str(),
            Some("tests" | "tests.rs" | "testing.rs")
        )
    })
}

fn violations(files: &BTreeMap<PathBuf, String>, source: &Path) -> Vec<String> {
    let rank = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut found = Vec::new();
    for (path, text) in files {
        let relative = path.strip_prefix(source).unwrap();
        let first = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let layer = first.trim_end_matches(".rs").to_owned();
        if layer == "lib" || only_tests(relative) {
            continue;
        }
        let Some(own) = rank(&layer) else {
            found.push(format!(
                "{}: `{layer}` is not in the list of layers",
                relative.display()
            ));
            continue;
        };
        for name in imported(text) {
            if rank(name).is_none_or(|other| other > own) {
                found.push(format!(
                    "{}: `{layer}` must not import `{name}`",
                    relative.display()
                ));
            }
        }
    }
    found
}

#[test]
fn imports_go_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: BTreeMap<PathBuf, String> = rust_files(&source)
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    assert!(files.len() > 50, "the sources were not found");
    assert_eq!(violations(&files, &source), Vec::<String>::new());
}

#[test]
fn a_wrong_import_is_found() {
    let source = Path::new("/src");
    let file = |path: &str, text: &str| BTreeMap::from([(source.join(path), text.to_owned())]);
    assert_eq!(
        violations(&file("plan/mod.rs", "use crate::cloud::Cloud;"), source),
        Vec::<String>::new()
    );
    assert_eq!(
        violations(&file("state/mod.rs", "use crate::cloud::Cloud;"), source),
        ["state/mod.rs: `state` must not import `cloud`"]
    );
    let grouped = "use crate::{\n    address::{Address, Section},\n    cloud::Cloud,\n};";
    assert_eq!(
        violations(&file("state/mod.rs", grouped), source),
        ["state/mod.rs: `state` must not import `cloud`"]
    );
    assert_eq!(
        violations(&file("extra.rs", ""), source),
        ["extra.rs: `extra` is not in the list of layers"]
    );
    let only_in_tests = "#[cfg(test)]\nmod tests { use crate::sandbox::Sandbox; }";
    assert_eq!(
        violations(&file("cloud/a.rs", only_in_tests), source),
        Vec::<String>::new()
    );
}

/// DESIGN §6: `plan`, `event` and `ui` know nothing of clients; nothing but `cli` and tests knows the sandbox.
#[test]
fn pure_layers_name_no_client() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for layer in [
        "plan",
        "event.rs",
        "graph.rs",
        "address.rs",
        "state",
        "environment",
        "ui",
    ] {
        let path = source.join(layer);
        let files = if path.is_dir() {
            rust_files(&path)
        } else {
            vec![path]
        };
        for file in files
            .into_iter()
            .filter(|file| !only_tests(file.strip_prefix(&source).unwrap()))
        {
            let text = fs::read_to_string(&file).unwrap();
            assert!(
                !imported(&text).contains(&"cloud"),
                "{} imports `cloud`",
                file.display()
            );
            for client in ["aws_sdk_", "kube::"] {
                assert!(
                    !text.contains(client),
                    "{} names `{client}`",
                    file.display()
                );
            }
        }
    }
}
