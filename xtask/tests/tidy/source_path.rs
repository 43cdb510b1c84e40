//! The paths that a Rust source file refers to within its own crate, as paths from the crate's root.

use crate::token::{Token, tokens};

/// What the file that is module `module` (its path from the crate's root) refers to by `crate::`, `super::` or `self::`,
/// nested `use` lists taken apart, modules written inside the file taken into account.
pub(crate) fn own_crate_paths(source: &str, module: &[String]) -> Vec<Vec<String>> {
    let tokens = tokens(source);
    let mut paths = Vec::new();
    let mut inner: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        match token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => {
                depth -= 1;
                inner.retain(|(_, opened_at)| *opened_at < depth);
            }
            Token::Word(word) if word == "mod" => {
                if let (Some(Token::Word(name)), Some(Token::Sign('{'))) =
                    (tokens.get(index + 1), tokens.get(index + 2))
                {
                    inner.push((name.clone(), depth));
                }
            }
            Token::Word(word)
                if ["crate", "super", "self"].contains(&word.as_str())
                    && tokens.get(index + 1) == Some(&Token::Colons) =>
            {
                let here = module
                    .iter()
                    .cloned()
                    .chain(inner.iter().map(|(name, _)| name.clone()))
                    .collect();
                index = read_tree(&tokens, index, here, &mut paths);
                continue;
            }
            _ => {}
        }
        index += 1;
    }
    paths
}

/// Reads the path or `use` tree at `index`, relative to `base`; answers where it ends.
fn read_tree(
    tokens: &[Token],
    mut index: usize,
    mut base: Vec<String>,
    paths: &mut Vec<Vec<String>>,
) -> usize {
    loop {
        match tokens.get(index) {
            Some(Token::Word(word)) => {
                match word.as_str() {
                    "crate" => base.clear(),
                    "super" => drop(base.pop()),
                    "self" => {}
                    name => base.push(name.to_owned()),
                }
                index += 1;
            }
            Some(Token::Sign('{')) => {
                index += 1;
                while tokens.get(index).is_some_and(|token| *token != Token::Sign('}')) {
                    if matches!(tokens.get(index), Some(Token::Word(_))) {
                        index = read_tree(tokens, index, base.clone(), paths);
                    } else {
                        index += 1;
                    }
                    if tokens.get(index).is_some_and(|token| token.is_word("as")) {
                        index += 2;
                    }
                }
                return index + 1;
            }
            _ => {
                paths.push(base);
                return index;
            }
        }
        if tokens.get(index) != Some(&Token::Colons) {
            paths.push(base);
            return index;
        }
        index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str, module: &str) -> Vec<String> {
        let module: Vec<String> = module.split("::").map(str::to_owned).collect();
        own_crate_paths(source, &module)
            .iter()
            .map(|path| path.join("::"))
            .collect()
    }

    #[test]
    fn nested_lists_are_taken_apart() {
        let source = "use crate::{words::{Key, Value as V}, pure::*, engine}; use std::fmt;";
        assert_eq!(
            paths(source, "a"),
            ["words::Key", "words::Value", "pure", "engine"]
        );
    }

    #[test]
    fn relative_paths_are_resolved() {
        assert_eq!(
            paths(
                "use super::page; use super::super::client::Read; self::x();",
                "storage::log"
            ),
            ["storage::page", "client::Read", "storage::log::x"]
        );
    }

    #[test]
    fn a_module_inside_the_file_counts() {
        let source = "fn f() { crate::words::g(); } mod tests { use super::*; fn h() {} } use super::late;";
        assert_eq!(
            paths(source, "pure::retry"),
            ["words::g", "pure::retry", "pure::late"]
        );
    }

    #[test]
    fn macro_arguments_are_seen_and_comments_are_not() {
        let source =
            "/// See [`crate::client`].\nassert!(crate::engine::is_well(), \"crate::client\"); pub(crate) x";
        assert_eq!(paths(source, "pure"), ["engine::is_well"]);
    }
}
