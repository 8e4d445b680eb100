//! What this reader takes and gives, `serde_json` takes and gives too.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::from_str;

#[test]
fn every_kind_of_value_reads_as_serde_json_reads_it() {
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "42",
        "18446744073709551615",
        "-9223372036854775808",
        "1.5",
        "-0.25",
        "1e3",
        "1E-2",
        "123456789012345e7",
        "0.1",
        "3.0",
        "1e22",
        "18446744073709551616",
        "-9223372036854775809",
        "99999999999999999999999",
        "0e99999",
        "[]",
        "{}",
        "[1, 2 ,3]",
        "[[],{}]",
        r#"{"a":1,"b":[true,null]}"#,
        " \n\t\r {\"x\" : \"y\" } ",
        r#""""#,
        r#""plain""#,
        r#""\"\\\/\b\f\n\r\t""#,
        r#""a\u00e9b""#,
        r#""\ud83d\ude00""#,
        r#""über ☸ 😀""#,
        r#"["\n"]"#,
        r#"{"\u0061":"\n\n"}"#,
        r#""\u0000""#,
        r#"{"a":1,"a":2}"#,
        &deep,
    ] {
        let expected: Value = serde_json::from_str(text).unwrap();
        let found: Value = from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found, expected, "{text}");
        from_str::<serde::de::IgnoredAny>(text).unwrap_or_else(|error| panic!("skipping {text}: {error}"));
    }
}

#[test]
fn what_is_no_json_is_refused_as_serde_json_refuses_it() {
    let deep = format!("{}1{}", "[".repeat(129), "]".repeat(129));
    for text in [
        "",
        " ",
        "nul",
        "nullx",
        "tru",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "-",
        "+1",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{1:2}",
        "{\"a\" 1}",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud83d\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ude00\"",
        "\"a\nb\"",
        "1 2",
        "{}}",
        "1e400",
        "\u{0}",
        "1\u{0}",
        "[1\u{0}]",
        "\"\u{0}\"",
        &deep,
    ] {
        assert!(serde_json::from_str::<Value>(text).is_err(), "serde_json takes {text:?}");
        assert!(from_str::<Value>(text).is_err(), "{text:?} is taken");
        let ignored = from_str::<serde::de::IgnoredAny>(text);
        assert!(ignored.is_err() || text == "1e400", "{text:?} is skipped");
    }
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i32, i32),
    Box { width: u8 },
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(i64),
    Text(String),
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type")]
enum Tagged {
    A { x: i32 },
    B,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Newtype(String);

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Everything {
    shapes: Vec<Shape>,
    map: BTreeMap<String, Option<bool>>,
    pair: (u8, char),
    newtype: Newtype,
    unit: (),
    ports: Vec<NumberOrText>,
    tagged: Vec<Tagged>,
    #[serde(default)]
    missing: Option<i8>,
    ratio: f32,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[test]
fn every_form_of_type_comes_back_as_it_was_written() {
    let value = Everything {
        shapes: vec![Shape::Point, Shape::Circle(1.5), Shape::Line(-1, 2), Shape::Box { width: 3 }],
        map: [("a".to_owned(), None), ("b".to_owned(), Some(true))].into(),
        pair: (255, 'ü'),
        newtype: Newtype("n".into()),
        unit: (),
        ports: vec![NumberOrText::Number(-5), NumberOrText::Text("http".into())],
        tagged: vec![Tagged::A { x: 1 }, Tagged::B],
        missing: None,
        ratio: 0.5,
        rest: [("more".to_owned(), serde_json::json!([1, "x"]))].into(),
    };
    let text = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(from_str::<Everything>(&text).unwrap(), value);
}

#[test]
fn text_without_escapes_is_borrowed() {
    assert_eq!(from_str::<&str>(r#""plain""#).unwrap(), "plain");
    assert_eq!(from_str::<Vec<&str>>(r#"["", "b"]"#).unwrap(), ["", "b"]);
}

#[test]
fn an_error_says_what_and_where() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Spec {
        #[serde(rename = "replicas")]
        _replicas: i32,
    }
    let check = |text: &str, part: &str| {
        let error = from_str::<Spec>(text).unwrap_err().to_string();
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    };
    check(r#"{"replicas":"two"}"#, "wrong type: a string, expected i32 at byte 12");
    check(r#"{"replicas":2.5}"#, "wrong type: a number with a fraction, expected i32");
    check(r#"{"replicas":3000000000}"#, "wrong value: a whole number, expected i32");
    check("{}", "missing field `replicas`");
    check(r#"{"replicas":1,"size":1}"#, "unknown field `size`");
    check("[", "expected struct Spec");
    check(r#"{"replicas":1"#, "the text ends early at byte 13");
}

#[test]
fn a_string_ends_where_it_ends_wherever_that_is() {
    for length in 0..20 {
        for at in 0..=length {
            for special in ["", "\\n", "\\\"", "\\u00e9", "é", "🦀", "\u{7f}", "\n", "\u{1f}", "\"", "\\"]
            {
                let text = format!("[\"{}{special}{}\",1]", "a".repeat(at), "b".repeat(length - at));
                let expected = serde_json::from_str::<Value>(&text);
                let found = from_str::<Value>(&text);
                assert_eq!(found.ok(), expected.ok(), "{text}");
            }
        }
    }
}
