//! Rust source as words and punctuation, without comments, strings and spaces: enough to find paths in it, also inside
//! macro calls, which a parser would leave alone.

/// One token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    /// An identifier, keyword or number.
    Word(String),
    /// `::`
    Colons,
    /// Any other character.
    Sign(char),
}

impl Token {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self, Token::Word(own) if own == word)
    }
}

/// The tokens of `source`.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut rest = chars.as_slice();
    while let Some(&char) = rest.first() {
        let length = if rest.starts_with(&['/', '/']) {
            rest.iter().position(|&char| char == '\n').unwrap_or(rest.len())
        } else if rest.starts_with(&['/', '*']) {
            block_comment_length(rest)
        } else if let Some(length) = raw_string_length(rest) {
            length
        } else if char == '"' {
            quoted_length(rest, '"')
        } else if char == '\'' && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
            quoted_length(rest, '\'')
        } else if is_word_char(char) {
            let length = rest
                .iter()
                .position(|&char| !is_word_char(char))
                .unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..length].iter().collect()));
            length
        } else if rest.starts_with(&[':', ':']) {
            tokens.push(Token::Colons);
            2
        } else {
            if !char.is_whitespace() {
                tokens.push(Token::Sign(char));
            }
            1
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_word_char(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The length of a text or character in quotes, from its opening quote; an escaped quote does not end it.
fn quoted_length(chars: &[char], quote: char) -> usize {
    let mut index = 1;
    while let Some(&char) = chars.get(index) {
        match char {
            '\\' => index += 2,
            char if char == quote => return index + 1,
            _ => index += 1,
        }
    }
    chars.len()
}

/// The length of `r"…"`, `r#"…"#` and their byte forms, if one begins here.
fn raw_string_length(chars: &[char]) -> Option<usize> {
    let prefix = if chars.starts_with(&['b', 'r']) { 2 } else { 1 };
    if !chars.starts_with(&['r']) && prefix == 1 {
        return None;
    }
    let hashes = chars[prefix..].iter().take_while(|&&char| char == '#').count();
    let begin = prefix + hashes + 1;
    if chars.get(begin - 1) != Some(&'"') {
        return None;
    }
    let is_end = |index: &usize| {
        chars[*index] == '"' && chars[index + 1..].iter().take_while(|&&char| char == '#').count() >= hashes
    };
    Some(
        (begin..chars.len())
            .find(is_end)
            .map_or(chars.len(), |end| end + 1 + hashes),
    )
}

/// The length of a block comment, those inside it included.
fn block_comment_length(chars: &[char]) -> usize {
    let mut depth = 0;
    let mut index = 0;
    while index < chars.len() {
        if chars[index..].starts_with(&['/', '*']) {
            depth += 1;
            index += 2;
        } else if chars[index..].starts_with(&['*', '/']) {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return index;
            }
        } else {
            index += 1;
        }
    }
    chars.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        let words = tokens(source).into_iter().map(|token| match token {
            Token::Word(word) => word,
            Token::Colons => "::".to_owned(),
            Token::Sign(sign) => sign.to_string(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_strings_leave_no_token() {
        assert_eq!(text("a // b\n/* c /* d */ e */ f"), "a f");
        assert_eq!(
            text(r##"a("b \" c", r#"d " e"#, br"f", '"', '\'', 'g')"##),
            "a ( , , , , , )"
        );
    }

    #[test]
    fn lifetimes_and_generics_are_no_strings() {
        assert_eq!(
            text("fn a<'b>(c: &'b d) -> crate::e"),
            "fn a < ' b > ( c : & ' b d ) - > crate :: e"
        );
    }

    #[test]
    fn words_that_begin_like_raw_strings_stay_words() {
        assert_eq!(text("range bring r br"), "range bring r br");
    }
}
