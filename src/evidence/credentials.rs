//! What the command of `credentials` writes: one JSON object, each name with a string. An error never says what stood there.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};

use crate::gate::policy::refused_variable;

/// The secrets of the steps, by the name of their variable.
pub type Secrets = BTreeMap<String, String>;

/// Reads the output.
///
/// # Errors
/// What is wrong with it, in words that hold nothing of it but the names of variables.
pub fn parse(output: &[u8]) -> Result<Secrets, String> {
    let mut reader = serde_json::Deserializer::from_slice(output);
    let pairs = reader.deserialize_map(Pairs).and_then(|pairs| reader.end().map(|()| pairs));
    // The parser's own words quote what it found.
    let pairs = pairs.map_err(|error| {
        format!(
            "its output is not one JSON object of strings (line {}, column {})",
            error.line(),
            error.column()
        )
    })?;
    let mut secrets = Secrets::new();
    for (name, value) in pairs {
        if let Some(why) = refused_variable(&name) {
            return Err(why);
        }
        if value.contains('\0') {
            return Err(format!("the value of `{name}` holds a NUL"));
        }
        if secrets.insert(name.clone(), value).is_some() {
            return Err(format!("`{name}` is there twice"));
        }
    }
    Ok(secrets)
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, String)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of strings")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        /// No program takes more variables.
        const MOST: usize = 10_000;
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
            if pairs.len() > MOST {
                return Err(M::Error::custom("too many"));
            }
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn an_object_of_strings_is_read() {
        let secrets = parse(b" {\"TOKEN\": \"a\\nb\", \"EMPTY\": \"\"}\n").unwrap();
        assert_eq!(
            secrets.into_iter().collect::<Vec<_>>(),
            [("EMPTY".to_owned(), String::new()), ("TOKEN".to_owned(), "a\nb".to_owned())]
        );
        assert!(parse(b"{}").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let place = |line, column| {
            format!("its output is not one JSON object of strings (line {line}, column {column})")
        };
        for (output, why) in [
            ("", place(1, 0)),
            ("TOKEN=hunter22\n", place(1, 1)),
            ("[\"hunter22\"]", place(1, 0)),
            ("{\"TOKEN\": 22}", place(1, 12)),
            ("{\"TOKEN\": {\"value\": \"hunter22\"}}", place(1, 10)),
            ("{\"TOKEN\": \"hunter22\"} {}", place(1, 23)),
            ("{\"TOKEN\": \"hunter22\", \"TOKEN\": \"x\"}", "`TOKEN` is there twice".to_owned()),
            ("{\"TOKEN\": \"hunter\\u0000\"}", "the value of `TOKEN` holds a NUL".to_owned()),
            ("{\"A B\": \"hunter22\"}", "`A B` is not a variable's name".to_owned()),
            (
                "{\"LD_PRELOAD\": \"hunter22\"}",
                "`LD_PRELOAD` would change what the approved commands run: it cannot be passed".to_owned(),
            ),
        ] {
            let said = parse(output.as_bytes()).unwrap_err();
            assert_eq!(said, why, "{output}");
            assert!(!said.contains("hunter"), "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_error_quotes_a_value(value in "hunter[a-z]{2,9}", rest in ".{0,40}") {
            let output = format!("{{\"TOKEN\": \"{value}\"{rest}");
            if let Err(said) = parse(output.as_bytes()) {
                prop_assert!(!said.contains(&value), "{}", said);
            }
        }

        #[test]
        fn bytes_are_an_answer_and_no_panic(output in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&output);
        }
    }
}
