//! Files that are not there, or are no environments.

use std::fs;

use super::super::{Error, load, locate};
use super::LEAST;

#[test]
fn a_missing_file_is_named_with_its_neighbours() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("environments");
    fs::create_dir(&folder).unwrap();
    let error = locate(root.path(), "staging").unwrap_err();
    assert_eq!(
        error.hint().as_deref(),
        Some("environments are files such as environments/demo.toml")
    );

    for name in ["staging", "demo"] {
        fs::write(folder.join(format!("{name}.toml")), "").unwrap();
    }
    let path = folder.join("stagign.toml");
    for error in [
        locate(root.path(), "stagign").unwrap_err(),
        load(&path, None).unwrap_err(),
    ] {
        assert_eq!(
            error.to_string(),
            format!("there is no environment file {}", path.display())
        );
        assert_eq!(error.hint().as_deref(), Some("did you mean `staging`?"));
    }
    let error = locate(root.path(), "production").unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("there are demo, staging"));
    assert_eq!(
        locate(root.path(), "demo").unwrap(),
        folder.join("demo.toml")
    );
    let by_path = locate(root.path(), "environments/demo.toml").unwrap();
    assert_eq!(by_path, folder.join("demo.toml"));
}

#[test]
fn what_is_no_text_file_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let error = load(root.path(), None).unwrap_err();
    assert!(matches!(error, Error::Folder { .. }), "{error}");

    let path = root.path().join("latin.toml");
    fs::write(&path, b"[environment]\nname = \"caf\xe9\"\n").unwrap();
    let error = load(&path, None).unwrap_err();
    assert!(matches!(error, Error::NotText { line: 2, .. }), "{error}");

    fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    let error = load(&path, None).unwrap_err();
    assert!(matches!(error, Error::TooLong { .. }), "{error}");
}

#[test]
fn policy_documents_are_found_beside_the_folder_of_environments() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("environments");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("tiny.toml");
    let group = "[iam.groups.readers]\npolicies = [\"readers.json\"]\n";
    fs::write(&path, format!("{LEAST}{group}")).unwrap();
    let error = load(&path, None).unwrap_err().to_string();
    assert!(
        error.contains("`readers.json` cannot be a policy document"),
        "{error}"
    );

    let document = include_str!("../../../policies/demo-readers.json");
    fs::write(root.path().join("readers.json"), document).unwrap();
    let environment = load(&path, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(environment.policies["readers"].name, "tiny-readers");
    assert_eq!(
        environment.policies["readers"].document["Version"],
        "2012-10-17"
    );
}

#[test]
fn a_copy_that_still_has_the_old_name_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("environments");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("production.toml");
    fs::write(&path, LEAST).unwrap();
    let error = load(&path, None).unwrap_err().to_string();
    assert!(
        error.contains("the file is called `production` and its environment `tiny`"),
        "{error}"
    );
    // Elsewhere a file may be called as one likes.
    let path = root.path().join("production.toml");
    fs::write(&path, LEAST).unwrap();
    assert!(load(&path, None).is_ok());
}
