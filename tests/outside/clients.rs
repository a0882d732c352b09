//! The clients that others wrote: found on the PATH, or the test with them is skipped and says so.

use std::env;

/// Whether `client` is here. Where it is missing the test is skipped, but never where the checks are complete
/// only with it: `scripts/test` sets GROUNDWORK_REQUIRE_CLIENTS.
#[expect(clippy::disallowed_macros, reason = "a skipped test says so")]
pub fn found(client: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(client).is_file());
    if !found {
        assert!(
            env::var_os("GROUNDWORK_REQUIRE_CLIENTS").is_none(),
            "there is no `{client}` here, and GROUNDWORK_REQUIRE_CLIENTS is set"
        );
        eprintln!("skipped: there is no `{client}` here");
    }
    found
}
