//! The answer of Prometheus to an instant query → one number.
//!
//! `GET /api/v1/query`, <https://prometheus.io/docs/prometheus/latest/querying/api/>: a scalar, or a vector of exactly one
//! sample. Everything else says what it is, and is no value.

use serde::Deserialize;

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
    value: (serde_json::Number, String),
}

/// Reads the body of an answer; `NaN` and the infinities are numbers here.
///
/// # Errors
/// Half a sentence on why there is no value; it may hold what the server said.
pub fn value(body: &[u8]) -> Result<f64, String> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| "it is no answer of Prometheus".to_owned())?;
    if answer.status != "success" {
        return Err(format!("Prometheus says: {}", answer.error.unwrap_or(answer.status)));
    }
    let data = answer.data.ok_or("it is no answer of Prometheus")?;
    match data.result_type.as_str() {
        "scalar" => {
            let (_, text): (serde_json::Number, String) =
                serde_json::from_value(data.result).map_err(|_| "it is no answer of Prometheus")?;
            number(&text)
        }
        "vector" => {
            let series: Vec<Series> = serde_json::from_value(data.result)
                .map_err(|_| "the query found histograms: one number is needed".to_owned())?;
            match series.as_slice() {
                [one] => number(&one.value.1),
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

    use super::value;

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
    }
}
