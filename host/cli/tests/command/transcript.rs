//! A session at a shell as a document shows it: commands after `$ `, continued after `> `, each with its answer.

use std::ops::RangeInclusive;

/// A command and what it answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) command: String,
    pub(crate) answer: Vec<String>,
}

/// The exchanges in the blocks of a document that are marked as `console`.
pub(crate) fn exchanges(document: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (false, _) => {}
            (true, "```") => inside = false,
            (true, line) => take(&mut exchanges, line),
        }
    }
    for exchange in &mut exchanges {
        while exchange.answer.last().is_some_and(|line| line.trim().is_empty()) {
            exchange.answer.pop();
        }
    }
    exchanges
}

fn take(exchanges: &mut Vec<Exchange>, line: &str) {
    if let Some(command) = line.strip_prefix("$ ") {
        exchanges.push(Exchange { command: command.to_owned(), answer: Vec::new() });
        return;
    }
    let last = exchanges.last_mut().expect("a console block begins with a command");
    match line.strip_prefix("> ") {
        Some(more) if last.answer.is_empty() => {
            last.command.push('\n');
            last.command.push_str(more);
        }
        _ => last.answer.push(line.to_owned()),
    }
}

/// Whether an answer is the one that is written down. Ages, addresses and the endings of generated names may
/// differ, and so may the widths of columns; `…` stands for anything in its line, and alone for any lines.
pub(crate) fn agrees(written: &[String], seen: &str) -> bool {
    let written: Vec<_> = written.iter().map(|line| masked(line)).collect();
    let seen: Vec<_> = seen.lines().map(masked).filter(|line| !line.is_empty()).collect();
    let written: Vec<_> = written.into_iter().filter(|line| !line.is_empty()).collect();
    lines_agree(&written, &seen)
}

fn lines_agree(written: &[String], seen: &[String]) -> bool {
    match (written.split_first(), seen.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((line, rest)), _) if line == "…" => {
            (0..=seen.len()).any(|skip| lines_agree(rest, &seen[skip..]))
        }
        (Some((line, rest)), Some((first, others))) => line_agrees(line, first) && lines_agree(rest, others),
        (Some(_), None) => false,
    }
}

fn line_agrees(written: &str, seen: &str) -> bool {
    let mut parts = written.split('…');
    let Some(mut rest) = seen.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// A line with everything in it replaced that differs from run to run.
fn masked(line: &str) -> String {
    // kubectl says the namespace of what it deleted since 1.33.
    let line = line.trim_end().trim_end_matches(" from default namespace");
    line.split_whitespace().map(masked_word).collect::<Vec<_>>().join(" ")
}

fn masked_word(word: &str) -> String {
    if is_age(word) {
        return "<age>".to_owned();
    }
    if word.split('.').count() == 4 && word.split('.').all(|part| part.parse::<u8>().is_ok()) {
        return "<address>".to_owned();
    }
    // Five generated characters at a Pod's end, up to ten of a ReplicaSet's hash before them.
    match without_generated(word, 5..=5) {
        Some(rest) => format!("{}-<generated>", without_generated(rest, 8..=10).unwrap_or(rest)),
        None => {
            without_generated(word, 8..=10).map_or_else(|| word.to_owned(), |rest| format!("{rest}-<hash>"))
        }
    }
}

/// A name without the generated part at its end, where it has one of this length.
fn without_generated(name: &str, len: RangeInclusive<usize>) -> Option<&str> {
    let (start, end) = name.rsplit_once('-')?;
    // The alphabet of generated names: no vowels, and nothing that looks like another.
    let generated = |byte: u8| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte);
    (len.contains(&end.len()) && end.bytes().all(generated)).then_some(start)
}

/// `5s`, `3m20s`, `2d`.
fn is_age(word: &str) -> bool {
    let mut digits = 0;
    for character in word.chars() {
        match character {
            '0'..='9' => digits += 1,
            's' | 'm' | 'h' | 'd' if digits > 0 => digits = 0,
            _ => return false,
        }
    }
    digits == 0 && !word.is_empty()
}

#[test]
fn a_transcript_is_its_commands_and_answers() {
    let text =
        "Text\n```console\n$ kubectl apply -f - <<END\n> a: 1\n> END\ncreated\n\n$ true\n```\n$ not this\n";
    let exchange = |command: &str, answer: &[&str]| Exchange {
        command: command.to_owned(),
        answer: answer.iter().map(|&line| line.to_owned()).collect(),
    };
    let expected = [exchange("kubectl apply -f - <<END\na: 1\nEND", &["created"]), exchange("true", &[])];
    assert_eq!(exchanges(text), expected);
}

#[test]
fn answers_agree_but_for_what_differs_from_run_to_run() {
    let check = |written: &str, seen: &str, agree: bool| {
        let lines: Vec<_> = written.lines().map(str::to_owned).collect();
        assert_eq!(agrees(&lines, seen), agree, "{written:?} and {seen:?}");
    };
    check("NAME   AGE\nhome   4s", "NAME    AGE\nhome    1m3s\n", true);
    check("home   10.0.0.1   80/TCP", "home 10.0.0.27 80/TCP", true);
    check("home 3", "home 2", false);
    check("pod/home-5d8f9c7b6d-x2x4z Running", "pod/home-6bcc5f4f7-9hzzq Running", true);
    check("pod/home-5d8f9c7b6d-x2x4z Running", "pod/shop-6bcc5f4f7-9hzzq Running", false);
    check("first\n…\nlast", "first\na\nb\nlast", true);
    check("first\n…\nlast", "first\na\nb", false);
    check("It was … at home.", "It was nice at home.", true);
    check("It was … at home.", "It was nice at hame.", false);
    check("one", "one\ntwo", false);
}
