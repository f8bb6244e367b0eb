//! `neurality debug`: shows what the pure parts of the pipeline make of an input. No server, no configuration.

mod say;
mod stream;
mod turn;

use clap::Subcommand;

/// Which part of the pipeline to look at.
#[derive(Clone, Debug, Subcommand)]
pub enum DebugCommand {
    /// Print what the synthesiser gets for a text, a line per sentence
    Say(say::SayArgs),
    /// Run a timeline through the turn machine and print its decisions as JSON lines
    Turn(turn::TurnArgs),
    /// Run a model's raw `data:` lines through the stream reader and print text, tool calls and end as JSON lines
    Stream(stream::StreamArgs),
}

/// Prints what the part makes of the input.
///
/// # Errors
/// The input cannot be read or is not in the form that the part takes.
pub fn run(command: &DebugCommand) -> anyhow::Result<()> {
    match command {
        DebugCommand::Say(args) => say::run(args),
        DebugCommand::Turn(args) => turn::run(args),
        DebugCommand::Stream(args) => stream::run(args),
    }
}
