//! Protobuf bodies of the few small kinds that `kubectl create` sends in this form.
//!
//! The numbers are those of the fields in Kubernetes' published `.proto` files.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::object::text;
use super::refusal::Refusal;

/// The media type of Kubernetes' protobuf.
pub const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every body in this form begins with.
const MAGIC: &[u8] = b"k8s\0";

/// How a field is read.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Flag,
    Message(Fields),
    /// A list of texts.
    Texts,
    /// A list of messages.
    Messages(Fields),
    /// A map from text to text.
    Map,
    /// A map from text to bytes, which JSON writes in base64.
    BytesMap,
}

type Fields = &'static [(u64, &'static str, Form)];

const OWNER: Fields = &[
    (1, "kind", Form::Text),
    (3, "name", Form::Text),
    (4, "uid", Form::Text),
    (5, "apiVersion", Form::Text),
    (6, "controller", Form::Flag),
    (7, "blockOwnerDeletion", Form::Flag),
];
const METADATA: Fields = &[
    (1, "name", Form::Text),
    (2, "generateName", Form::Text),
    (3, "namespace", Form::Text),
    (5, "uid", Form::Text),
    (6, "resourceVersion", Form::Text),
    (11, "labels", Form::Map),
    (12, "annotations", Form::Map),
    (13, "ownerReferences", Form::Messages(OWNER)),
    (14, "finalizers", Form::Texts),
];
const NAMED: Fields = &[(1, "metadata", Form::Message(METADATA))];
const SECRET: Fields = &[
    (1, "metadata", Form::Message(METADATA)),
    (2, "data", Form::BytesMap),
    (3, "type", Form::Text),
    (4, "stringData", Form::Map),
    (5, "immutable", Form::Flag),
];
const CONFIG_MAP: Fields = &[
    (1, "metadata", Form::Message(METADATA)),
    (2, "data", Form::Map),
    (3, "binaryData", Form::BytesMap),
    (4, "immutable", Form::Flag),
];
const PRECONDITIONS: Fields = &[(1, "uid", Form::Text), (2, "resourceVersion", Form::Text)];
const DELETE_OPTIONS: Fields = &[
    (2, "preconditions", Form::Message(PRECONDITIONS)),
    (3, "orphanDependents", Form::Flag),
    (4, "propagationPolicy", Form::Text),
    (5, "dryRun", Form::Texts),
];

/// Reads a body as the document that it stands for.
///
/// # Errors
/// `UnsupportedMediaType` for kinds that aren't known in this form, `BadRequest` for what is malformed.
pub fn read(body: &[u8]) -> Result<Value, Refusal> {
    const ENVELOPE: Fields = &[(1, "type", Form::Message(TYPE))];
    const TYPE: Fields = &[(1, "apiVersion", Form::Text), (2, "kind", Form::Text)];
    let malformed = || Refusal::bad_request("the body is not Kubernetes' protobuf");
    let body = body.strip_prefix(MAGIC).ok_or_else(malformed)?;
    let envelope = message(body, ENVELOPE).ok_or_else(malformed)?;
    let fields = match text(&envelope, "/type/kind") {
        "Namespace" | "ServiceAccount" => NAMED,
        "Secret" => SECRET,
        "ConfigMap" => CONFIG_MAP,
        "DeleteOptions" => DELETE_OPTIONS,
        _ => {
            return Err(Refusal::unsupported_media_type(&[
                "application/json",
                "application/yaml",
            ]));
        }
    };
    let raw = split(body)
        .and_then(|parts| parts.into_iter().find(|(number, _)| *number == 2))
        .ok_or_else(malformed)?;
    let mut document = message(raw.1.bytes(), fields).ok_or_else(malformed)?;
    document["apiVersion"] = envelope["type"]["apiVersion"].clone();
    document["kind"] = envelope["type"]["kind"].clone();
    Ok(document)
}

/// A field as it stands on the wire.
enum Part<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Part<'a> {
    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Number(_) => &[],
            Self::Bytes(bytes) => bytes,
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn split(mut bytes: &[u8]) -> Option<Vec<(u64, Part<'_>)>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let part = match key & 7 {
            0 => Part::Number(varint(&mut bytes)?),
            1 => Part::Bytes(take(&mut bytes, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Part::Bytes(take(&mut bytes, length)?)
            }
            5 => Part::Bytes(take(&mut bytes, 4)?),
            _ => return None,
        };
        parts.push((key >> 3, part));
    }
    Some(parts)
}

/// A message as a document; empty scalars read as absent, as they do everywhere in Kubernetes.
fn message(bytes: &[u8], fields: Fields) -> Option<Value> {
    let mut document = Map::new();
    for (number, part) in split(bytes)? {
        let Some((_, name, form)) = fields.iter().find(|(known, _, _)| *known == number) else {
            continue;
        };
        let place = document.entry((*name).to_owned()).or_insert(Value::Null);
        match form {
            Form::Text => *place = part.text().into(),
            Form::Flag => *place = matches!(part, Part::Number(1)).into(),
            Form::Message(fields) => *place = message(part.bytes(), fields)?,
            Form::Texts => push(place, part.text().into()),
            Form::Messages(fields) => push(place, message(part.bytes(), fields)?),
            Form::Map | Form::BytesMap => {
                let (mut key, mut value) = (String::new(), json!(""));
                for (number, entry) in split(part.bytes())? {
                    match (number, form) {
                        (1, _) => key = entry.text(),
                        (2, Form::BytesMap) => {
                            let engine = base64::engine::general_purpose::STANDARD;
                            value = engine.encode(entry.bytes()).into();
                        }
                        _ => value = entry.text().into(),
                    }
                }
                if place.is_null() {
                    *place = json!({});
                }
                place[key] = value;
            }
        }
    }
    document.retain(|_, value| value != "");
    Some(Value::Object(document))
}

fn push(place: &mut Value, value: Value) {
    match place {
        Value::Array(elements) => elements.push(value),
        _ => *place = json!([value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("a short field");
        [&[number << 3 | 2, length], content].concat()
    }

    fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
        let of_type = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &of_type), &field(2, raw)].concat()
    }

    #[test]
    fn a_secret_is_read() {
        let entry = |key: &str, value: &[u8]| [field(1, key.as_bytes()), field(2, value)].concat();
        let metadata = [field(1, b"db"), field(2, b""), field(11, &entry("a", b"b"))].concat();
        let raw = [
            field(1, &metadata),
            field(2, &entry("password", b"\xffx")),
            field(3, b"Opaque"),
        ]
        .concat();
        assert_eq!(
            read(&body("Secret", &raw)).expect("a secret"),
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "labels": {"a": "b"}},
                "data": {"password": "/3g="}, "type": "Opaque",
            })
        );
    }

    #[test]
    fn other_kinds_and_broken_bodies_are_refused() {
        assert_eq!(read(&body("Pod", b"")).expect_err("refused").code, 415);
        assert_eq!(read(b"{}").expect_err("refused").code, 400);
        let mut broken = body("Secret", &field(1, b"\x0a\x7f"));
        assert_eq!(read(&broken).expect_err("refused").code, 400);
        broken.truncate(6);
        assert_eq!(read(&broken).expect_err("refused").code, 400);
    }
}
