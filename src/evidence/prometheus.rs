//! The answer of Prometheus to an instant query → one number.
//!
//! `GET /api/v1/query`, <https://prometheus.io/docs/prometheus/latest/querying/api/>: a scalar, or a vector of exactly one
//! sample. Everything else says what it is, and is no value.

use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;

/// How far the moment of a value may lie behind the server's own clock, in seconds. Prometheus holds a value for gone once it
/// had no sample of it for so long, unless it was told otherwise (`--query.lookback-delta`).
pub const AGE_MAX: u64 = 300;

/// What the head of an answer says of its time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    /// `Date`: the server's clock when it answered.
    pub date: Option<&'a str>,
    /// `Age`: for how many seconds something between has kept the answer.
    pub age: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Series {
    value: (f64, String),
}

/// Reads the body of an answer; `NaN` and the infinities are numbers here. An old answer is none: what it says of its moment
/// is compared with what the same server says of the time, so that clocks that differ between machines matter nothing.
///
/// # Errors
/// Half a sentence on why there is no value; it may hold what the server said.
pub fn value(body: &[u8], told: Told<'_>) -> Result<f64, String> {
    let (at, value) = sample(body)?;
    let Some(age) = age(at, told) else { return Ok(value) };
    if age > AGE_MAX {
        return Err(format!("the value is {age} s old, and more than {AGE_MAX} s is no value"));
    }
    Ok(value)
}

/// How old a value was when its answer came, in seconds, where the server says what time it is.
fn age(at: f64, told: Told<'_>) -> Option<u64> {
    let date = DateTime::parse_from_rfc2822(told.date?).ok()?.timestamp();
    let kept: u32 = told.age.and_then(|age| age.trim().parse().ok()).unwrap_or_default();
    let behind = Duration::from_secs(u64::try_from(date).ok()?).as_secs_f64() - at;
    let behind = match Duration::try_from_secs_f64(behind.max(0.0)) {
        Ok(behind) => behind.as_secs(),
        Err(_) => u64::MAX,
    };
    Some(behind.saturating_add(u64::from(kept)))
}

/// The moment and the value.
fn sample(body: &[u8]) -> Result<(f64, f64), String> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| "it is no answer of Prometheus".to_owned())?;
    if answer.status != "success" {
        return Err(format!("Prometheus says: {}", answer.error.unwrap_or(answer.status)));
    }
    let data = answer.data.ok_or("it is no answer of Prometheus")?;
    match data.result_type.as_str() {
        "scalar" => {
            let (at, text): (f64, String) =
                serde_json::from_value(data.result).map_err(|_| "it is no answer of Prometheus")?;
            Ok((at, number(&text)?))
        }
        "vector" => {
            let series: Vec<Series> = serde_json::from_value(data.result)
                .map_err(|_| "the query found histograms: one number is needed".to_owned())?;
            match series.as_slice() {
                [one] => Ok((one.value.0, number(&one.value.1)?)),
                [] => Err("the query found nothing".to_owned()),
                many => {
                    Err(format!("the query found {} series: one is needed, such as by `sum(…)`", many.len()))
                }
            }
        }
        "matrix" => Err("the query found a range: one number is needed".to_owned()),
        _ => Err("the query found no number".to_owned()),
    }
}

/// Prometheus writes `NaN`, `+Inf` and `-Inf`, and every other number as Go does, which Rust reads.
fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "the value is no number".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Told;

    fn value(body: &[u8]) -> Result<f64, String> {
        super::value(body, Told::default())
    }

    #[test]
    fn an_old_value_is_none_by_the_clock_of_the_server_that_says_it() {
        // 1700000000 is 22:13:20.
        let body = br#"{"status":"success","data":{"resultType":"scalar","result":[1700000000.5,"1"]}}"#;
        let at = |date: &str, age: Option<&str>| super::value(body, Told { date: Some(date), age });
        let head = "Tue, 14 Nov 2023 22";
        assert_eq!(at(&format!("{head}:13:20 GMT"), None), Ok(1.0));
        assert_eq!(at(&format!("{head}:18:20 GMT"), None), Ok(1.0));
        assert_eq!(at(&format!("{head}:13:20 GMT"), Some("300")), Ok(1.0));
        assert_eq!(at(&format!("{head}:05:00 GMT"), None), Ok(1.0), "a server may be ahead of itself");
        let old = Err("the value is 301 s old, and more than 300 s is no value".to_owned());
        assert_eq!(at(&format!("{head}:18:22 GMT"), None), old);
        assert_eq!(at(&format!("{head}:13:20 GMT"), Some("301")), old);
        assert_eq!(at(&format!("{head}:13:52 GMT"), Some("270")), old);
        for foreign in ["", "yesterday", "Tue, 99 Nov 2023 22:13:20 GMT"] {
            assert_eq!(at(foreign, None), Ok(1.0), "who says no time is not judged by it");
        }
    }

    fn vector(result: &str) -> Result<f64, String> {
        value(
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#)
                .as_bytes(),
        )
    }

    #[test]
    fn one_sample_or_a_scalar_is_a_value() {
        let one = r#"{"metric":{"job":"a"},"value":[1700000000.123,"0.25"]}"#;
        assert_eq!(vector(one), Ok(0.25));
        let scalar = br#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1e3"]}}"#;
        assert_eq!(value(scalar), Ok(1000.0));
        assert!(vector(&one.replace("0.25", "NaN")).unwrap().is_nan());
        assert_eq!(vector(&one.replace("0.25", "+Inf")), Ok(f64::INFINITY));
        assert_eq!(vector(&one.replace("0.25", "-Inf")), Ok(f64::NEG_INFINITY));
        let warned = br#"{"status":"success","warnings":["w"],"infos":["i"],"data":{"resultType":"scalar","result":[1,"2"]}}"#;
        assert_eq!(value(warned), Ok(2.0));
    }

    #[test]
    fn everything_else_says_what_it_is() {
        let one = r#"{"metric":{},"value":[1,"2"]}"#;
        assert_eq!(vector("").unwrap_err(), "the query found nothing");
        let two = vector(&format!("{one},{one}")).unwrap_err();
        assert_eq!(two, "the query found 2 series: one is needed, such as by `sum(…)`");
        let histogram = r#"{"metric":{},"histogram":[1,{"count":"1"}]}"#;
        assert_eq!(vector(histogram).unwrap_err(), "the query found histograms: one number is needed");
        let error = br#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#;
        assert_eq!(value(error).unwrap_err(), "Prometheus says: parse error: unexpected end");
        let text = br#"{"status":"success","data":{"resultType":"string","result":[1,"2"]}}"#;
        assert_eq!(value(text).unwrap_err(), "the query found no number");
        let range = br#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        assert_eq!(value(range).unwrap_err(), "the query found a range: one number is needed");
        assert_eq!(vector(&one.replace("\"2\"", "\"two\"")).unwrap_err(), "the value is no number");
        for foreign in ["", "<html>", "[]", "{}", r#"{"status":"success"}"#, "1", "\u{0}"] {
            assert_eq!(value(foreign.as_bytes()).unwrap_err(), "it is no answer of Prometheus", "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn no_body_breaks_it(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = value(&body);
        }

        #[test]
        fn no_head_breaks_it(at in any::<f64>(), date in ".{0,40}", age in ".{0,12}") {
            let body = serde_json::json!({
                "status": "success",
                "data": { "resultType": "scalar", "result": [at, "1"] },
            });
            let told = Told { date: Some(&date), age: Some(&age) };
            let _ = super::value(body.to_string().as_bytes(), told);
        }
    }
}
