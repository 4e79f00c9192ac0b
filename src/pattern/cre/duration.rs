//! Durations as Go writes them: `30s`, `1m30s`, `1.5h`, `-10s`.

use jiff::SignedDuration;

/// Nanoseconds in a unit.
fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}

/// Reads one; `None` if it isn't one.
pub(in crate::pattern) fn parse(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut nanoseconds = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, behind) = rest.split_at(number);
        let length = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (name, behind) = behind.split_at(length);
        nanoseconds += digits.parse::<f64>().ok()? * unit(name)?;
        rest = behind;
    }
    // As far as Go's own durations reach: some 292 years.
    let whole = (text.len() > 1 && nanoseconds < 9.2e18).then_some((sign * nanoseconds) as i64)?;
    Some(SignedDuration::from_nanos(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_reads_them() {
        let table = [
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("-10s", Some(-10_000)),
            ("250ms", Some(250)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("30", None),
            ("s", None),
            ("", None),
            ("-", None),
            ("1d", None),
            ("9999999h", None),
        ];
        for (text, want) in table {
            assert_eq!(parse(text), want.map(SignedDuration::from_millis), "{text}");
        }
    }
}
