//! The JSON protocols: bodies, replies and faults.

use bytes::Bytes;
use http::Request;
use serde_json::{Map, Number, Value, json};

use super::Decoded;
use crate::sandbox::aws::call::{Fault, Params, Reply};

/// The header that names the operation of an AWS-JSON request.
pub const TARGET: &str = "x-amz-target";

/// Reads an AWS-JSON request to the service whose targets begin with `prefix`.
pub fn decode(request: &Request<Bytes>, prefix: &str) -> Result<Decoded, Fault> {
    let target = request
        .headers()
        .get(TARGET)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let operation = target
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('.'))
        .ok_or_else(|| {
            let message = format!("X-Amz-Target names no operation of {prefix}: {target:?}");
            Fault::new("UnknownOperationException", message)
        })?;
    Ok((operation.to_owned(), Params(Value::Object(body(request)?))))
}

/// The members in the body; none when it is empty.
pub fn body(request: &Request<Bytes>) -> Result<Map<String, Value>, Fault> {
    if request.body().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(request.body()).map_err(|error| {
        let message = format!("The body is not a JSON object: {error}");
        Fault::new("SerializationException", message)
    })
}

/// The body of an answer.
pub fn reply(reply: &Reply) -> String {
    value(reply).to_string()
}

/// The body of a refusal.
pub fn fault(fault: &Fault) -> String {
    json!({"__type": fault.code, "message": fault.message}).to_string()
}

fn value(reply: &Reply) -> Value {
    match reply {
        Reply::Text(text) => Value::String(text.clone()),
        Reply::Number(number) => Value::Number(shortest(*number)),
        Reply::Flag(flag) => Value::Bool(*flag),
        Reply::Time(time) => Value::Number(shortest(time.as_epoch_seconds())),
        Reply::Fields(members) => members
            .iter()
            .map(|(name, member)| ((*name).to_owned(), value(member)))
            .collect(),
        Reply::Map(entries) => entries
            .iter()
            .map(|(key, entry)| (key.clone(), value(entry)))
            .collect(),
        Reply::List(_, elements) => elements.iter().map(value).collect(),
    }
}

/// A whole number without a fraction, which clients would refuse to read as an integer.
fn shortest(number: f64) -> Number {
    let whole = number as i64;
    if whole as f64 == number {
        return Number::from(whole);
    }
    Number::from_f64(number).unwrap_or_else(|| Number::from(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::time::SimTime;

    #[test]
    fn replies_keep_whole_numbers_whole_and_empty_lists_empty() {
        let answer = Reply::Fields(vec![
            ("count", 3.into()),
            ("at", SimTime(1_500).into()),
            ("ready", true.into()),
            ("tags", Reply::Map(vec![("a".to_owned(), "b".into())])),
            ("members", Reply::List("member", Vec::new())),
        ]);
        assert_eq!(
            reply(&answer),
            r#"{"at":1.5,"count":3,"members":[],"ready":true,"tags":{"a":"b"}}"#
        );
    }

    #[test]
    fn a_foreign_target_and_a_body_that_is_no_object_are_refused() {
        let request = |target: &str, body: &'static str| {
            Request::builder()
                .header(TARGET, target)
                .body(Bytes::from_static(body.as_bytes()))
                .expect("a valid request")
        };
        let code = |request| decode(&request, "Logs_1").err().map(|fault| fault.code);
        assert_eq!(code(request("Logs_1.Describe", "{}")), None);
        for (target, body, wanted) in [
            ("Logs_2.Describe", "{}", "UnknownOperationException"),
            ("Logs_1.Describe", "[1]", "SerializationException"),
            ("Logs_1.Describe", "{", "SerializationException"),
        ] {
            assert_eq!(code(request(target, body)).as_deref(), Some(wanted));
        }
    }
}
