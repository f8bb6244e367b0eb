//! Server-sent events, read incrementally.

/// A vendor's event is a few hundred bytes.
const LARGEST_EVENT: usize = 1 << 20;

/// An event grew over 1 MiB.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("server-sent event too long")]
pub struct EventTooLong;

/// Joins chunks of a body, cut anywhere, into events. Only `data` matters to us; other fields and comments are skipped.
#[derive(Default)]
pub struct SseParser {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR that ended a line: an LF after it belongs to it.
    after_cr: bool,
    begun: bool,
}

impl SseParser {
    /// Takes the next chunk and calls `on_data` with the data of each event that it completes (lines joined by LF).
    ///
    /// # Errors
    /// [`EventTooLong`]; the stream cannot be read any further.
    pub fn push(
        &mut self,
        chunk: &[u8],
        mut on_data: impl FnMut(&[u8]),
    ) -> Result<(), EventTooLong> {
        let mut rest = chunk;
        while let [first, tail @ ..] = rest {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                rest = tail;
                continue;
            }
            let Some(end) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.line.extend_from_slice(rest);
                break;
            };
            self.line.extend_from_slice(&rest[..end]);
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            self.line_ended(&mut on_data);
        }
        if self.line.len() + self.data.len() > LARGEST_EVENT {
            return Err(EventTooLong);
        }
        Ok(())
    }

    fn line_ended(&mut self, on_data: &mut impl FnMut(&[u8])) {
        let mut line = std::mem::take(&mut self.line);
        let text = if std::mem::replace(&mut self.begun, true) {
            &line[..]
        } else {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line)
        };
        if text.is_empty() {
            self.dispatch(on_data);
        } else if let Some(value) = data_of(text) {
            // Some servers leave out the blank line between two events.
            if self.has_data && is_whole(&self.data) {
                self.dispatch(on_data);
            }
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
        }
        // Keeps the allocation for the next line.
        line.clear();
        self.line = line;
    }

    /// The stream is over: what stands in it without its last blank line is an event, too.
    pub fn finish(&mut self, mut on_data: impl FnMut(&[u8])) {
        if !self.line.is_empty() {
            self.line_ended(&mut on_data);
        }
        self.dispatch(&mut on_data);
    }

    fn dispatch(&mut self, on_data: &mut impl FnMut(&[u8])) {
        if std::mem::take(&mut self.has_data) {
            on_data(&self.data);
            self.data.clear();
        }
    }
}

/// Whether the data is JSON with nothing missing, or the mark of the end.
fn is_whole(data: &[u8]) -> bool {
    data == b"[DONE]" || serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
}

/// The value of a `data` line.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    let after = line.trim_ascii_start().strip_prefix(b"data")?;
    match after {
        [] => Some(after),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut events = Vec::new();
        let mut parser = SseParser::default();
        for chunk in chunks {
            let keep = |data: &[u8]| events.push(String::from_utf8(data.to_vec()).expect("utf-8"));
            parser.push(chunk, keep).expect("short events");
        }
        events
    }

    #[test]
    fn line_ends_comments_and_other_fields() {
        let text = "\u{feff}: hello\r\ndata: one\r\n\r\nevent: x\rid: 7\rdata:two\rdata: lines\r\rretry: 1\n\ndata\n\ndatax: no\n\n";
        assert_eq!(read([text.as_bytes()]), ["one", "two\nlines", ""]);
    }

    #[test]
    fn an_event_without_its_blank_line_is_not_complete() {
        assert_eq!(read([b"data: [DONE]\n".as_slice()]), Vec::<String>::new());
    }

    /// C19
    #[test]
    fn events_without_blank_lines_between_them_are_events() {
        let text = "data: {\"a\":1}\ndata:{\"b\":\ndata: 2}\r\n  data: {}\ndata: [DONE]";
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        let mut keep = |data: &[u8]| events.push(String::from_utf8(data.to_vec()).expect("utf-8"));
        parser.push(text.as_bytes(), &mut keep).expect("short");
        parser.finish(&mut keep);
        parser.finish(&mut keep);
        assert_eq!(events, ["{\"a\":1}", "{\"b\":\n2}", "{}", "[DONE]"]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = SseParser::default();
        let chunk = vec![b'x'; LARGEST_EVENT / 2];
        assert_eq!(parser.push(&chunk, |_| {}), Ok(()));
        assert_eq!(parser.push(&chunk, |_| {}), Ok(()));
        assert_eq!(parser.push(b"x", |_| {}), Err(EventTooLong));
    }

    fn stream() -> impl Strategy<Value = (String, Vec<String>)> {
        let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
        let data = "[a-zäöü€😀\\[\\]{}:\" ]{0,12}";
        let event = (data, end, any::<bool>());
        prop::collection::vec(event, 0..12).prop_map(|events| {
            let mut text = String::new();
            let mut expected = Vec::new();
            for (data, end, comment) in events {
                if comment {
                    text += &format!(": ping{end}");
                }
                text += &format!("data: {data}{end}{end}");
                expected.push(data);
            }
            (text, expected)
        })
    }

    proptest! {
        /// One event's CR followed by the next event's LF cannot occur: each event ends its lines in one way and a
        /// `data` or comment line stands between.
        #[test]
        fn cuts_anywhere_even_inside_a_character_change_nothing(
            (text, expected) in stream(),
            cuts in prop::collection::vec(1usize..9, 0..60),
        ) {
            let mut chunks = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                chunks.push(head);
                rest = tail;
            }
            chunks.push(rest);
            prop_assert_eq!(read(chunks), expected);
        }
    }
}
