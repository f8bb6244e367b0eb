//! Texts as they compare: what a recogniser, a caller and a clinic write differently and mean alike.

use unicode_normalization::UnicodeNormalization;

/// Lower case without the accents of Latin, Greek and Cyrillic letters, however they are encoded. Marks of other scripts carry
/// vowels: they stay.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let plain = text.nfkd().filter(|c| !is_accent(*c));
    for c in plain
        .flat_map(char::to_lowercase)
        .filter(|c| !is_accent(*c))
    {
        match letters_of(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(c),
        }
    }
    folded
}

/// The blocks of combining diacritical marks.
const fn is_accent(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Letters that Unicode does not take apart, as people without them on their keyboard write them.
const fn letters_of(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ł' => "l",
        'ı' => "i",
        'ħ' => "h",
        'ŧ' => "t",
        '’' | 'ʼ' | 'ʻ' | '`' | '´' => "'",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => "-",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn accents_fall_off_whether_they_stand_in_the_letter_or_after_it() {
        for (text, folded) in [
            ("López", "lopez"),
            ("Lo\u{301}pez", "lopez"),
            ("NGUYỄN THỊ MINH", "nguyen thi minh"),
            ("Łukasz Müller-Gauß", "lukasz muller-gauss"),
            ("İbrahim", "ibrahim"),
            ("Ærø", "aero"),
            ("Σοφία", "σοφια"),
            ("１２３", "123"),
            ("O’Neil", "o'neil"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn vowels_of_scripts_that_write_them_as_marks_stay() {
        assert_ne!(fold("रवि"), fold("रव"));
        assert_eq!(fold("रवि"), fold("रवि"));
    }
}
