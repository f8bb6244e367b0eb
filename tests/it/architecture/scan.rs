//! Finds the paths that a Rust source names. Not a parser: a scanner over words, with comments and literals blanked out.

/// A path in a source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// In an external crate (the first segment is the crate) or in ours (from the root).
    pub(super) is_external: bool,
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

/// All paths of `text` that start at `crate`, `super` or an external crate's name, each leaf of a `use` tree by itself.
/// `own` is the module that the file is.
pub(super) fn references(text: &str, own: &[String]) -> Vec<Reference> {
    let code = blank(text);
    let words = words(&code);
    let declared = |name: &str| {
        words
            .windows(2)
            .any(|pair| pair[0].text == "mod" && pair[1].text == name)
    };
    let mut found = Vec::new();
    let mut inline = InlineModules {
        own: own.to_vec(),
        depth: 0,
        opened_at: Vec::new(),
    };
    let mut at = 0;
    while at < words.len() {
        inline.pass(&words, at);
        let starts_path =
            is_separator(&words, at + 1) && (at == 0 || !is_separator(&words, at - 1));
        if !starts_path || !is_name(words[at].text) {
            at += 1;
            continue;
        }
        let mut tree = Tree {
            words: &words,
            at: at + 2,
            leaves: Vec::new(),
        };
        let line = words[at].line;
        let first = words[at].text;
        tree.read(&[first.to_owned()]);
        at = tree.at;
        for leaf in tree.leaves {
            found.extend(resolve(leaf, &inline.own, line, &declared));
        }
    }
    found
}

/// Follows `mod tests { .. }`, in which `super` is the module around it.
struct InlineModules {
    /// Where we are.
    own: Vec<String>,
    depth: usize,
    opened_at: Vec<usize>,
}

impl InlineModules {
    fn pass(&mut self, words: &[Word<'_>], at: usize) {
        match words[at].text {
            "{" => {
                self.depth += 1;
                if at >= 2 && words[at - 2].text == "mod" {
                    self.own.push(words[at - 1].text.to_owned());
                    self.opened_at.push(self.depth);
                }
            }
            "}" => {
                if self.opened_at.last() == Some(&self.depth) {
                    self.opened_at.pop();
                    self.own.pop();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }
}

fn resolve(
    leaf: Vec<String>,
    own: &[String],
    line: usize,
    declared: &impl Fn(&str) -> bool,
) -> Option<Reference> {
    let first = leaf.first()?.as_str();
    match first {
        "crate" => Some(Reference {
            is_external: false,
            path: leaf[1..].to_vec(),
            line,
        }),
        "super" => {
            let ups = leaf.iter().take_while(|part| *part == "super").count();
            let mut path = own[..own.len().saturating_sub(ups)].to_vec();
            path.extend_from_slice(&leaf[ups..]);
            Some(Reference {
                is_external: false,
                path,
                line,
            })
        }
        "self" | "Self" => None,
        // A type, an enum or a module of this file; crates are in lower case.
        name if name.starts_with(char::is_uppercase) || declared(name) => None,
        _ => Some(Reference {
            is_external: true,
            path: leaf,
            line,
        }),
    }
}

#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    line: usize,
}

/// Reads a path or a `use` tree.
struct Tree<'a> {
    words: &'a [Word<'a>],
    at: usize,
    leaves: Vec<Vec<String>>,
}

impl Tree<'_> {
    /// Reads on behind `prefix::`.
    fn read(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        loop {
            match self.words.get(self.at).map(|word| word.text) {
                Some("{") => {
                    self.at += 1;
                    return self.read_group(&path);
                }
                Some(name) if is_name(name) || name == "*" => {
                    if name != "self" {
                        path.push(name.to_owned());
                    }
                    self.at += 1;
                }
                // The angle bracket of `collect::<_>()`.
                _ => break,
            }
            if !is_separator(self.words, self.at) {
                break;
            }
            self.at += 1;
        }
        self.leaves.push(path);
    }

    fn read_group(&mut self, prefix: &[String]) {
        while let Some(word) = self.words.get(self.at) {
            match word.text {
                "}" => {
                    self.at += 1;
                    return;
                }
                "as" => self.at += 2,
                name if is_name(name) || name == "*" => self.read(prefix),
                _ => self.at += 1,
            }
        }
    }
}

fn is_separator(words: &[Word<'_>], at: usize) -> bool {
    words.get(at).is_some_and(|word| word.text == "::")
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if is_name(rest) {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        if first == '\n' {
            line += 1;
        } else if !first.is_whitespace() {
            words.push(Word { text: word, line });
        }
        rest = after;
    }
    words
}

/// The text with comments and the insides of literals gone, line breaks kept.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skip = literal_or_comment(rest, out.chars().next_back());
        let (gone, after) = rest.split_at(skip.unwrap_or(first.len_utf8()));
        match skip {
            Some(_) => out.extend(std::iter::once(' ').chain(gone.chars().filter(|c| *c == '\n'))),
            None => out.push(first),
        }
        rest = after;
    }
    out
}

/// How long the literal or comment at the start of `text` is, if there is one.
fn literal_or_comment(text: &str, before: Option<char>) -> Option<usize> {
    let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with('"') {
        return Some(quoted(text, '"'));
    }
    if let Some(raw) = text
        .strip_prefix('r')
        .filter(|_| !in_name || before == Some('b'))
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = hashes + 2;
            return Some(
                text[body..]
                    .find(&end)
                    .map_or(text.len(), |at| body + at + end.len()),
            );
        }
    }
    // 'x' or '\n', but not the lifetime 'x.
    let mut inside = text.strip_prefix('\'')?.chars();
    let is_literal = inside.next()? == '\\' || inside.next()? == '\'';
    is_literal.then(|| quoted(text, '\''))
}

/// The length of a literal up to its closing quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// The length of a block comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}
