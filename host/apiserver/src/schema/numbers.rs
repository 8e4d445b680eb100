//! The rules for numbers, with the real validator's ways: whole numbers are held against the whole part of a bound,
//! and a bound that does not fit the type of the number is an error of its own.

use serde_json::{Number, Value};

use super::check::Checks;
use super::error::go_float;
use super::node::Kind;

/// Something that is wrong with a number.
pub(super) enum Fault {
    /// With the schema as much as with the number; names no field.
    Range(String),
    /// `should be …`.
    Rule(String),
    /// A factor that is none, which is shown instead of the number.
    Factor(Value),
}

/// What is wrong with `number` by the checks; `path` is for messages.
pub(super) fn faults(kind: Kind, checks: &Checks, number: &Number, path: &str) -> Vec<Fault> {
    let format = checks.format.as_deref();
    let mut found = Vec::new();
    let range = |value: f64, shown: &str, prefix: &str, found: &mut Vec<Fault>| {
        let fits = fits(kind, format, value, shown);
        if !fits {
            let name = if kind == Kind::Integer { "integer" } else { "number" };
            let form = format.map_or("(default format)".to_owned(), |format| format!("with format {format}"));
            found.push(Fault::Range(format!("{prefix} value must be of type {name} {form} in {path}")));
        }
        fits
    };
    let data = number.as_f64().unwrap_or_default();
    let whole = number.as_i64();
    range(data, &whole.map_or_else(|| format!("{data}"), |whole| whole.to_string()), "Checked", &mut found);
    let bounds = [
        (checks.multiple_of, "MultipleOf"),
        (checks.maximum, "Maximum boundary"),
        (checks.minimum, "Minimum boundary"),
    ];
    for (bound, prefix) in bounds {
        let Some(bound) = bound else { continue };
        let fits = range(bound, &format!("{bound}"), prefix, &mut found);
        let whole = whole.filter(|_| fits);
        found.extend(match prefix {
            "MultipleOf" => multiple(whole, data, bound),
            "Maximum boundary" => limit(whole, data, bound, (checks.exclusive_maximum, true)),
            _ => limit(whole, data, bound, (checks.exclusive_minimum, false)),
        });
    }
    found
}

fn fits(kind: Kind, format: Option<&str>, value: f64, shown: &str) -> bool {
    match (kind, format) {
        (Kind::Integer, Some("int32")) => shown.parse::<i32>().is_ok(),
        (Kind::Integer, _) => shown.parse::<i64>().is_ok(),
        (_, Some("float" | "float32")) => value.abs() <= f64::from(f32::MAX),
        _ => true,
    }
}

/// The whole part of a bound, for whole numbers.
#[expect(clippy::cast_possible_truncation, reason = "Go cuts the fraction off as well")]
fn cut(bound: f64) -> i64 {
    bound as i64
}

fn multiple(whole: Option<i64>, data: f64, factor: f64) -> Option<Fault> {
    let (fits, shown, positive) = match whole {
        Some(whole) => {
            let factor = cut(factor);
            (whole.checked_rem(factor) == Some(0), factor.to_string(), factor > 0)
        }
        None => {
            let times = if factor < 1.0 { 1.0 / factor * data } else { data / factor };
            (is_whole(times), go_float(factor), factor > 0.0)
        }
    };
    if !positive {
        return Some(Fault::Factor(whole.map_or_else(|| factor.into(), |_| cut(factor).into())));
    }
    (!fits).then(|| Fault::Rule(format!("should be a multiple of {shown}")))
}

/// Whole, or as near to it as rounding allows.
fn is_whole(value: f64) -> bool {
    const EXACT_MAX: f64 = 9_007_199_254_740_991.0;
    let gap = (value - value.trunc()).abs();
    value.abs() <= EXACT_MAX && (gap == 0.0 || gap / (value.abs() + value.trunc().abs()) < 1e-9)
}

fn limit(whole: Option<i64>, data: f64, bound: f64, (exclusive, upper): (bool, bool)) -> Option<Fault> {
    let (order, shown) = match whole {
        Some(whole) => (Some(whole.cmp(&cut(bound))), cut(bound).to_string()),
        None => (data.partial_cmp(&bound), go_float(bound)),
    };
    let order = order.map(|order| if upper { order.reverse() } else { order });
    let holds = order.is_some_and(|order| if exclusive { order.is_gt() } else { order.is_ge() });
    let word = if upper { "less" } else { "greater" };
    let or_equal = if exclusive { "" } else { " or equal to" };
    (!holds).then(|| Fault::Rule(format!("should be {word} than{or_equal} {shown}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(kind: Kind, checks: Checks, number: Value, expected: &[&str]) {
        let number = number.as_number().cloned().unwrap_or_else(|| 0.into());
        let told = |fault| match fault {
            Fault::Range(text) | Fault::Rule(text) => text,
            Fault::Factor(factor) => format!("factor {factor}"),
        };
        let found: Vec<String> = faults(kind, &checks, &number, "p").into_iter().map(told).collect();
        assert_eq!(found, expected, "{number}");
    }

    #[test]
    fn whole_numbers_are_held_against_the_whole_part_of_a_bound() {
        let at_most = |maximum| Checks { maximum: Some(maximum), ..Checks::default() };
        check(Kind::Number, at_most(2.5), json!(3), &["should be less than or equal to 2"]);
        check(Kind::Number, at_most(2.5), json!(2.6), &["should be less than or equal to 2.5"]);
        check(
            Kind::Integer,
            at_most(2.5),
            json!(3),
            &[
                "Maximum boundary value must be of type integer (default format) in p",
                "should be less than or equal to 2.5",
            ],
        );
        let half = Checks { multiple_of: Some(0.5), ..Checks::default() };
        check(Kind::Number, half.clone(), json!(2), &["factor 0"]);
        check(Kind::Number, half, json!(2.25), &["should be a multiple of 0.5"]);
        let small = Checks { format: Some("int32".into()), ..Checks::default() };
        check(
            Kind::Integer,
            small,
            json!(3_000_000_000_i64),
            &["Checked value must be of type integer with format int32 in p"],
        );
    }
}
