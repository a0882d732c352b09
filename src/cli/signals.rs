//! Ctrl-C and SIGTERM: the first starts nothing new, the second ends the process at once. Both resume.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;

/// Turns true at the first signal.
pub fn listen() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    // Without handlers the system's default ends the process at once, which is survived as well.
    if let (Ok(interrupt), Ok(terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) {
        tokio::spawn(obey(stop, interrupt, terminate));
    }
    stopped
}

#[expect(
    clippy::disallowed_methods,
    reason = "the second signal ends the process at once, whatever it is doing"
)]
async fn obey(stop: watch::Sender<bool>, mut interrupt: Signal, mut terminate: Signal) {
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    next().await;
    // Nobody listens any more when the run is over.
    let _ = stop.send(true);
    next().await;
    std::process::exit(i32::from(Exit::Interrupted.code()));
}
