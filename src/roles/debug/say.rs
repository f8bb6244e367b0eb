//! `neurality debug say`: texts in, what the synthesiser gets out.

use std::io::{self, BufRead as _, ErrorKind, Write};

use anyhow::Context;
use serde::Serialize;

use crate::pipeline::speech::{Sentence, SentenceSplitter};

/// Stands for a text of which nothing is said.
const NOTHING: &str = "(nothing)";

/// Arguments of `neurality debug say`.
#[derive(Clone, Debug, clap::Args)]
pub struct SayArgs {
    /// Print one JSON object per text, with each sentence as it is written and as it is spoken.
    #[arg(long)]
    pub json: bool,
    /// Texts, as a model writes them; none: each line of standard input is one.
    #[arg(allow_hyphen_values = true)]
    pub texts: Vec<String>,
}

/// A text and what becomes of it.
#[derive(Serialize)]
struct Said<'a> {
    text: &'a str,
    sentences: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    /// For the transcript and the model.
    written: String,
    /// For the synthesiser.
    spoken: String,
}

pub(super) fn run(args: &SayArgs) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if args.texts.is_empty() {
        for line in io::stdin().lock().lines() {
            let line = line.context("read standard input")?;
            if !print(&mut out, &line, args.json)? {
                break;
            }
        }
        return Ok(());
    }
    for text in &args.texts {
        if !print(&mut out, text, args.json)? {
            break;
        }
    }
    Ok(())
}

/// Prints what is said of a text; false if nobody reads any more.
fn print(out: &mut impl Write, text: &str, json: bool) -> anyhow::Result<bool> {
    let answer = if json {
        let said = Said {
            text,
            sentences: sentences(text),
        };
        serde_json::to_string(&said).context("write JSON")?
    } else {
        lines(text)
    };
    match writeln!(out, "{answer}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.context("write standard output").map(|()| true),
    }
}

/// A line per sentence.
fn lines(text: &str) -> String {
    let spoken: Vec<String> = sentences(text).into_iter().map(|s| s.spoken).collect();
    if spoken.is_empty() {
        NOTHING.to_owned()
    } else {
        spoken.join("\n")
    }
}

/// The text as a model streams it, a character at a time.
fn sentences(text: &str) -> Vec<Line> {
    let mut splitter = SentenceSplitter::default();
    let mut found: Vec<Sentence> = text
        .chars()
        .flat_map(|c| splitter.push(c.encode_utf8(&mut [0; 4])))
        .collect();
    found.extend(splitter.finish());
    found
        .into_iter()
        .map(|sentence| Line {
            written: sentence.written.into_exposed(),
            spoken: sentence.spoken.into_exposed(),
        })
        .collect()
}
