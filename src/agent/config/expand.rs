//! `${NAME}` in configuration text. Must not read the environment itself.

/// Puts the environment's values in for `${NAME}` and `${NAME:-default}`; `$${` is a plain `${`.
pub(super) fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, (String, String)> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = reference;
            continue;
        }
        out.push_str(before);
        let Some(end) = reference.find('}') else {
            return Err(("`${` without its `}`".into(), "close it, or write `$${` for a plain `${`".into()));
        };
        let (name, default) = match reference[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&reference[..end], None),
        };
        match env(name).or_else(|| default.map(str::to_owned)) {
            Some(value) => out.push_str(&value),
            None => {
                let hint = format!("set it, or give a default: ${{{name}:-…}}");
                return Err((format!("the environment has no variable `{name}`"), hint));
            }
        }
        rest = &reference[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_expanded() {
        let env = |name: &str| (name == "HOST").then(|| "collector.example".to_owned());
        let table = [
            ("http://${HOST}:4317", Ok("http://collector.example:4317")),
            ("${PORT:-4317}", Ok("4317")),
            ("a$${b}", Ok("a${b}")),
            ("$5", Ok("$5")),
            ("${PORT}", Err("the environment has no variable `PORT`")),
            ("${PORT", Err("`${` without its `}`")),
        ];
        for (text, want) in table {
            let got = expand(text, &env).map_err(|(message, _)| message);
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
        }
    }
}
