//! Asking before something is changed.

use std::io::{self, BufRead, IsTerminal};

use super::exit::Error;
use crate::ui;

/// Asks `question` on the terminal; only `yes` is one. `agreed` is `--yes`.
pub async fn confirm(agreed: bool, question: &str) -> Result<bool, Error> {
    if agreed {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Error::NobodyToAsk);
    }
    ui::tell(format_args!("{question} Only `yes` goes on: "));
    // On another thread: while somebody thinks, the lease has to be kept.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let answer = answer.await.map_err(|_| Error::NobodyToAsk)?;
    let answer = answer.map_err(|_| Error::NobodyToAsk)?;
    Ok(answer.trim() == "yes")
}
