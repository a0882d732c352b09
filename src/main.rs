//! The `groundwork` command.

fn main() {}
