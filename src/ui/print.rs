//! The one place that writes to standard output and standard error.
//!
//! Who reads a pipe may leave at any time (`groundwork status staging | head`): that is their right and no failure.
//! A disk that is full is one.

use std::fmt::Display;
use std::io::{self, Write};

/// Standard output could not be written to.
#[derive(Debug, thiserror::Error)]
#[error("can't write to standard output")]
pub struct Unprinted(#[source] io::Error);

/// Prints text as it is, styled where the stream wants that.
///
/// # Errors
/// When it can't be written, except that nobody reads it any more.
pub fn print(text: impl Display) -> Result<(), Unprinted> {
    let mut stream = anstream::stdout().lock();
    let printed = write!(stream, "{text}").and_then(|()| stream.flush());
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Unprinted(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a value as indented JSON.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Unprinted> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Unprinted(error.into()))?;
    print(format_args!("{text}\n"))
}

/// Tells on standard error. Where that can't be written to, there is nobody to tell.
pub fn tell(text: impl Display) {
    let mut stream = anstream::stderr().lock();
    drop(write!(stream, "{text}").and_then(|()| stream.flush()));
}
