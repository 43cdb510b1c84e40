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
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(char) = rest.chars().next() {
        if let Some(after) = after_comment(rest)
            .or_else(|| after_raw_string(rest))
            .or_else(|| after_quoted(rest))
        {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("::") {
            tokens.push(Token::Colons);
            rest = after;
        } else if is_word_char(char) {
            let (word, after) = rest.split_at(rest.find(|char| !is_word_char(char)).unwrap_or(rest.len()));
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        } else {
            if !char.is_whitespace() {
                tokens.push(Token::Sign(char));
            }
            rest = rest.split_at(char.len_utf8()).1;
        }
    }
    tokens
}

fn is_word_char(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// What follows the comment that begins here; block comments may contain others.
fn after_comment(text: &str) -> Option<&str> {
    if text.starts_with("//") {
        return Some(text.find('\n').map_or("", |end| text.split_at(end).1));
    }
    let mut rest = text.strip_prefix("/*")?;
    let mut depth = 1;
    while depth > 0 {
        if let Some(after) = rest.strip_prefix("/*") {
            depth += 1;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = after;
        } else {
            let mut chars = rest.chars();
            chars.next()?;
            rest = chars.as_str();
        }
    }
    Some(rest)
}

/// What follows the `r"…"` or `r#"…"#`, or their byte forms, that begins here.
fn after_raw_string(text: &str) -> Option<&str> {
    let after_r = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let after_hashes = after_r.trim_start_matches('#');
    let inner = after_hashes.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(after_r.len() - after_hashes.len()));
    Some(inner.split_once(&end).map_or("", |(_, after)| after))
}

/// What follows the string or character that begins here; an escaped quote does not end it, and a lifetime is none.
fn after_quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|char| ['"', '\''].contains(char))?;
    let mut chars = text.chars();
    chars.next();
    let mut ahead = chars.clone();
    let is_character = ahead.next() == Some('\\') || ahead.next() == Some('\'');
    if quote == '\'' && !is_character {
        return None;
    }
    while let Some(char) = chars.next() {
        if char == '\\' {
            chars.next();
        } else if char == quote {
            break;
        }
    }
    Some(chars.as_str())
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
