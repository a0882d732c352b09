//! What groundwork can do, as functions: the command line is a thin layer over these.

mod apply;
mod destroy;
mod error;
mod preflight;
mod proof;
mod rebuild;
mod session;
mod smoke;
mod status;
mod sync;
mod teardown;

pub use apply::{Confirmed, apply};
pub use destroy::{Teardown, destroy};
pub use error::Error;
pub use preflight::{DeniedBy, Obstacles, Rights, Shortage, preflight};
pub use proof::{Remains, look_again};
pub use rebuild::{History, Previous, Rebuilt, rebuild, take_over};
pub use session::{Planned, Session, desired, identify, variable_names};
pub use smoke::{Smoke, smoke};
pub use status::{ResourceStatus, Status, outputs, status};
pub use sync::{Report as SyncReport, Request, SyncError, sync};
