use proptest::prelude::*;
use serde_json::{Map, Number, Value};

use super::{canonical, sorted};

/// A map that writes its members in the order in which it has them.
struct Unsorted(Vec<(String, Value)>);

impl serde::Serialize for Unsorted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn number() -> impl Strategy<Value = Value> {
    let float = any::<f64>().prop_map(|float| Number::from_f64(float).map_or(Value::Null, Value::Number));
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        float
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z_]{0,3}", 1 => any::<String>(), 1 => "[\\PC\"\\\\\n]{0,4}"]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..6)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

#[test]
fn a_record_needs_no_second_look_whatever_the_order_of_its_fields() {
    let plain = br#"{"b":[1,{"z":null,"a":"\"}"}],"a":-12,"c":{},"B":[]}"#;
    let canonical = br#"{"B":[],"a":-12,"b":[1,{"a":"\"}","z":null}],"c":{}}"#;
    assert_eq!(sorted(plain).unwrap(), canonical);
}

#[test]
fn what_is_more_than_an_order_is_left_to_the_library() {
    for plain in ["1.5", "1e30", "1234567890123456", r#"{"é":1}"#, r#"{"\n":1}"#, r#"{"a":1,"a":2}"#] {
        assert_eq!(sorted(plain.as_bytes()), None, "{plain}");
    }
}

#[test]
fn what_is_not_whole_has_no_order() {
    let whole = r#"{"b":[1,"\"",true],"a":null}"#;
    for end in 0..whole.len() {
        assert_eq!(sorted(&whole.as_bytes()[..end]), None, "{end}");
    }
    for more in ["{}{}", "[1]]", "nulls,", " 1", "@"] {
        assert_eq!(sorted(more.as_bytes()), None, "{more}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_what_the_library_writes(value in json(), members in prop::collection::vec((text(), json()), 0..5)) {
        prop_assert_eq!(canonical(&value).unwrap(), serde_jcs::to_vec(&value).unwrap());
        let unsorted = Unsorted(members);
        prop_assert_eq!(canonical(&unsorted).unwrap(), serde_jcs::to_vec(&unsorted).unwrap());
    }

    #[test]
    fn no_bytes_stop_it(bytes in any::<Vec<u8>>(), json in "[\\[\\]{}:,\"a1 \\\\-]{0,20}") {
        let _ = sorted(&bytes);
        let _ = sorted(json.as_bytes());
    }
}
