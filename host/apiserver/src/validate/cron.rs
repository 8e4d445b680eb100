//! Cron schedules: five fields or a word after `@`.

/// What is wrong with a schedule, in the words of the library that the real server uses.
pub(super) fn wrong(schedule: &str) -> Option<String> {
    let schedule = match schedule.split_once(' ') {
        Some((zone, rest)) if zone.starts_with("TZ=") || zone.starts_with("CRON_TZ=") => rest.trim(),
        _ => schedule,
    };
    if let Some(word) = schedule.strip_prefix('@') {
        return word_after_at(schedule, word);
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        let list = fields.join(" ");
        return Some(format!("expected exactly 5 fields, found {}: [{list}]", fields.len()));
    }
    fields.iter().zip(&RANGES).find_map(|(field, range)| field_fault(field, range))
}

fn word_after_at(schedule: &str, word: &str) -> Option<String> {
    let known = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];
    let every = word.strip_prefix("every ");
    let fine = known.contains(&word)
        || every.is_some_and(|text| text.chars().next().is_some_and(|c| c.is_ascii_digit()));
    (!fine).then(|| format!("unrecognized descriptor: {schedule}"))
}

struct Range {
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const RANGES: [Range; 5] = [
    Range { least: 0, most: 59, names: &[] },
    Range { least: 0, most: 23, names: &[] },
    Range { least: 1, most: 31, names: &[] },
    Range { least: 1, most: 12, names: &MONTHS },
    Range { least: 0, most: 6, names: &DAYS },
];

fn field_fault(field: &str, range: &Range) -> Option<String> {
    field.split(',').filter(|part| !part.is_empty()).find_map(|part| part_fault(part, range).err())
}

fn part_fault(part: &str, range: &Range) -> Result<(), String> {
    let mut steps = part.split('/');
    let span = steps.next().unwrap_or_default();
    let (step, more) = (steps.next(), steps.next());
    let mut ends = span.split('-');
    let (low, high, surplus) = (ends.next().unwrap_or_default(), ends.next(), ends.next());
    let (start, end) = if matches!(low, "*" | "?") {
        (range.least, range.most)
    } else {
        let start = number(low, range)?;
        match (high, surplus) {
            (None, _) => (start, if step.is_some() { range.most } else { start }),
            (Some(high), None) => (start, number(high, range)?),
            _ => return Err(format!("too many hyphens: {part}")),
        }
    };
    if more.is_some() {
        return Err(format!("too many slashes: {part}"));
    }
    let step = step.map_or(Ok(1), plain_number)?;
    if start < range.least {
        return Err(format!("beginning of range ({start}) below minimum ({}): {part}", range.least));
    }
    if end > range.most {
        return Err(format!("end of range ({end}) above maximum ({}): {part}", range.most));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {part}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {part}"));
    }
    Ok(())
}

fn number(text: &str, range: &Range) -> Result<u32, String> {
    let named = range.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    match named {
        Some(at) => Ok(range.least + u32::try_from(at).unwrap_or_default()),
        None => plain_number(text),
    }
}

fn plain_number(text: &str) -> Result<u32, String> {
    let wrong = || format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax");
    let number: i64 = text.parse().map_err(|_| wrong())?;
    u32::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}"))
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn schedules_are_five_fields_or_a_word() {
        for good in ["* * * * *", "*/5 1-3 1,15 jan-mar sun", "@daily", "0 0 1 1 ?", "@every 1h"] {
            assert_eq!(wrong(good), None, "{good}");
        }
        for (bad, why) in [
            ("x", "expected exactly 5 fields, found 1: [x]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("@never", "unrecognized descriptor: @never"),
        ] {
            assert_eq!(wrong(bad).as_deref(), Some(why));
        }
    }
}
