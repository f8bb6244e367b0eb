//! `neurality debug say`: texts in, what the synthesiser gets out.

use std::io::{BufRead as _, stdin};

use anyhow::Context;

use crate::pipeline::speech::{Sentence, SentenceSplitter};

/// Arguments of `neurality debug say`.
#[derive(Clone, Debug, clap::Args)]
pub struct SayArgs {
    /// Texts, as a model writes them; none: each line of standard input is one.
    pub texts: Vec<String>,
}

pub(super) fn run(args: &SayArgs) -> anyhow::Result<()> {
    if args.texts.is_empty() {
        for line in stdin().lock().lines() {
            print(&line.context("read standard input")?);
        }
    } else {
        args.texts.iter().for_each(|text| print(text));
    }
    Ok(())
}

fn print(text: &str) {
    sentences(text)
        .iter()
        .for_each(|sentence| println!("{}", sentence.spoken.expose()));
}

/// The text as a model streams it, a character at a time.
fn sentences(text: &str) -> Vec<Sentence> {
    let mut splitter = SentenceSplitter::default();
    let mut found: Vec<Sentence> = text
        .chars()
        .flat_map(|c| splitter.push(c.encode_utf8(&mut [0; 4])))
        .collect();
    found.extend(splitter.finish());
    found
}
