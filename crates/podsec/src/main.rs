//! The podsec command.

mod cli;
mod commands;
mod images;

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "the one place where an error reaches the user")]
fn main() -> ExitCode {
    let outcome = match commands::envtest::Program::called() {
        Some(program) => return program.run(),
        None => commands::run(cli::parse().command),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("podsec: {error:#}");
            ExitCode::FAILURE
        }
    }
}
