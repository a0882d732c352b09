//! Asking before something is changed.

use std::io::{self, BufRead, IsTerminal};

use super::exit::Error;
use crate::ui;

/// Asks `question` on the terminal; only `yes` is one. `agreed` is `--yes`.
pub fn confirm(agreed: bool, question: &str) -> Result<bool, Error> {
    if agreed {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Error::NobodyToAsk);
    }
    ui::tell(format_args!("{question} Only `yes` goes on: "));
    let mut answer = String::new();
    let asked = io::stdin().lock().read_line(&mut answer);
    asked.map_err(|_| Error::NobodyToAsk)?;
    Ok(answer.trim() == "yes")
}
