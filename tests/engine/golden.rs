//! The format of the state, held by a file that an older groundwork wrote: every version that was ever released must be
//! read for ever, and the newest is written as it was.

use groundwork::state::State;

#[test]
fn format_1_is_read_and_written_as_it_was() {
    let golden = include_bytes!("../fixtures/state-1.json");
    let state = State::from_bytes(golden, "staging").expect("a state of format 1");
    let written = state.to_bytes().expect("a document");
    let (written, golden) = (
        String::from_utf8_lossy(&written),
        String::from_utf8_lossy(golden),
    );
    assert_eq!(written, golden);
}
