//! The `groundwork` command.

/// One thread is enough: groundwork waits far more than it computes.
#[tokio::main(flavor = "current_thread")]
async fn main() -> groundwork::cli::Exit {
    groundwork::cli::run(std::env::args_os()).await
}
