//! groundwork as its users meet it: the real binary, real files, and the clients that others wrote.

mod aws_cli;
mod bad_input;
#[path = "../common/canaries.rs"]
mod canaries;
mod canary;
mod clients;
mod command_line;
mod differential;
mod guest;
mod helm;
mod host;
mod interrupted;
mod killed;
mod kubectl;
mod moto;
mod over_http;
mod project;
mod python;
mod rebuild;
mod served;
mod shared_state;
mod sync;
mod terminal;
mod workflow;
