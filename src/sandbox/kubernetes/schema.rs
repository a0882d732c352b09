//! Custom objects by the schema of their definition: what it fills in, and what it refuses. Patterns, formats and rules in
//! CEL are left out, and so is that the API server drops unknown fields of what is not applied.

use serde_json::{Map, Value};

use super::object::{list, text};
use super::refusal::Cause;

/// What every object has, whatever its schema says.
const OF_EVERY_OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Fills in the defaults of `schema`.
pub fn complete(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, schema) in properties(schema) {
                if let Some(default) = schema.get("default")
                    && !fields.contains_key(name)
                {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields {
                if let Some(schema) = field(schema, name) {
                    complete(schema, value);
                }
            }
        }
        Value::Array(elements) => {
            for element in elements {
                complete(&schema["items"], element);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Why an applied document can't be read by `schema`: the first field that it does not have, or has in another type.
pub fn unfit(schema: &Value, path: &str, value: &Value) -> Option<String> {
    if let Some(expected) = wrong_type(schema, value) {
        let got = type_of(value);
        return Some(format!("{path}: expected {expected}, got {got}"));
    }
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match field(schema, name) {
                Some(schema) => unfit(schema, &path, value),
                None if is_free(schema, &path, name) => None,
                None => Some(format!("{path}: field not declared in schema")),
            }
        }),
        Value::Array(elements) => {
            let mut elements = elements.iter();
            elements.find_map(|element| unfit(&schema["items"], path, element))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// What makes an object invalid by `schema`.
pub fn causes(schema: &Value, path: &str, value: &Value) -> Vec<Cause> {
    if let Some(expected) = wrong_type(schema, value) {
        let why = format!("{path} in body must be of type {expected}");
        return vec![Cause::invalid(path, &type_of(value).into(), &why)];
    }
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    let mut found = Vec::new();
    let allowed = list(schema, "/enum");
    if !allowed.is_empty() && !allowed.contains(value) {
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        found.push(Cause::unsupported(path, value, &allowed));
    }
    let (number, limit) = (value.as_f64(), |name: &str| schema[name].as_f64());
    if let (Some(number), Some(least)) = (number, limit("minimum"))
        && number < least
    {
        let why = format!("{path} in body should be greater than or equal to {least}");
        found.push(Cause::invalid(path, value, &why));
    }
    if let (Some(number), Some(most)) = (number, limit("maximum"))
        && number > most
    {
        let why = format!("{path} in body should be less than or equal to {most}");
        found.push(Cause::invalid(path, value, &why));
    }
    match value {
        Value::Object(fields) => {
            let required = list(schema, "/required").iter().filter_map(Value::as_str);
            let missing = required.filter(|name| !fields.contains_key(*name));
            found.extend(missing.map(|name| Cause::required(below(name), "")));
            for (name, value) in fields {
                if let Some(schema) = field(schema, name) {
                    found.extend(causes(schema, &below(name), value));
                }
            }
        }
        Value::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                found.extend(causes(&schema["items"], &format!("{path}[{at}]"), element));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(Map::iter)
}

/// The schema of a field, by its name or as of one among many.
fn field<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let free = schema.get("additionalProperties");
    schema["properties"].get(name).or(free)
}

/// Whether a field that the schema does not name may be there all the same.
fn is_free(schema: &Value, path: &str, name: &str) -> bool {
    let embedded = schema["x-kubernetes-embedded-resource"] == true;
    let of_every_object = OF_EVERY_OBJECT.contains(&name);
    schema["x-kubernetes-preserve-unknown-fields"] == true
        || !schema["properties"].is_object()
        || of_every_object && (embedded || path.matches('.').count() == 1)
}

/// The type that a value should have had.
fn wrong_type<'a>(schema: &'a Value, value: &Value) -> Option<&'a str> {
    let wanted = text(schema, "/type");
    let fits = match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    };
    (!fits && !value.is_null()).then_some(wanted)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        let spike = json!({"type": "object", "properties": {
            "at": {"type": "string", "enum": ["top", "side"]}, "length": {"type": "integer", "default": 3},
        }});
        json!({"type": "object", "properties": {"spec": {"type": "object", "required": ["height"], "properties": {
            "height": {"type": "integer", "minimum": 1},
            "soil": {"type": "string", "default": "sand"},
            "spikes": {"type": "array", "items": spike},
            "notes": {"type": "object", "additionalProperties": {"type": "string"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }}}})
    }

    #[test]
    fn defaults_are_filled_in_where_their_place_is() {
        let mut cactus = json!({"metadata": {}, "spec": {"height": 5, "spikes": [{"at": "top"}]}});
        complete(&schema(), &mut cactus);
        let spikes = json!([{"at": "top", "length": 3}]);
        assert_eq!(
            cactus["spec"],
            json!({"height": 5, "soil": "sand", "spikes": spikes})
        );
        let mut bare = json!({"metadata": {}});
        complete(&schema(), &mut bare);
        assert_eq!(bare, json!({"metadata": {}}));
    }

    #[test]
    fn what_a_schema_does_not_know_can_not_be_applied() {
        let why = |spec: Value| unfit(&schema(), "", &json!({"kind": "Cactus", "spec": spec}));
        let fits = json!({"height": 5, "notes": {"a": "b"}, "free": {"x": [1]}, "soil": null});
        assert_eq!(why(fits), None);
        for (spec, expected) in [
            (
                json!({"colour": "green"}),
                ".spec.colour: field not declared in schema",
            ),
            (
                json!({"height": "tall"}),
                ".spec.height: expected integer, got string",
            ),
            (
                json!({"notes": {"a": 1}}),
                ".spec.notes.a: expected string, got number",
            ),
            (
                json!({"spikes": [{"kind": "x"}]}),
                ".spec.spikes.kind: field not declared in schema",
            ),
        ] {
            assert_eq!(why(spec).as_deref(), Some(expected));
        }
    }

    #[test]
    fn values_are_held_to_their_schema() {
        let fields = |spec: Value| {
            let found = causes(&schema(), "", &json!({"spec": spec}));
            let found = found.into_iter().map(|cause| (cause.reason, cause.field));
            found.collect::<Vec<_>>()
        };
        assert_eq!(fields(json!({"height": 1})), []);
        assert_eq!(
            fields(json!({"spikes": [{"at": "below"}], "soil": 1})),
            [
                ("FieldValueRequired", "spec.height".to_owned()),
                ("FieldValueInvalid", "spec.soil".to_owned()),
                ("FieldValueNotSupported", "spec.spikes[0].at".to_owned()),
            ]
        );
        assert_eq!(
            fields(json!({"height": 0})),
            [("FieldValueInvalid", "spec.height".to_owned())]
        );
    }
}
