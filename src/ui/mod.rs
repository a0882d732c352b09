//! What people see: plans, progress, tables and errors as text. Nothing here decides anything.
//!
//! Text is styled always; the stream that it is printed to strips what a pipe or NO_COLOR does not want.

mod course;
mod failure;
mod format;
mod plan;
mod print;
mod progress;
mod smoke;
mod status;
mod style;
mod versions;

pub use course::Course;
pub use failure::{failure, refused};
pub use plan::{plan, stand_in, tally};
pub use print::{Unprinted, print, print_json, tell};
pub use progress::{Bars, JsonLines, Lines};
pub use smoke::smoke;
pub use status::{outputs, remains, status};
pub use versions::versions;
