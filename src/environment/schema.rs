//! The JSON Schema of the file: for editors, and for our own check.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::raw;

/// The JSON Schema that `groundwork schema` prints.
pub fn schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = Value::from(
        settings
            .for_deserialize()
            .into_generator()
            .into_root_schema_for::<raw::File>(),
    );
    tidy(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), "groundwork environment".into());
    }
    schema
}

/// Takes out what Rust's types put in and TOML has no use for: null, formats of integers, and defaults that say nothing.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(schema) => {
            flatten_option(schema);
            schema.retain(|key, value| match key.as_str() {
                "default" => {
                    !(value.is_null()
                        || *value == Value::Array(vec![])
                        || *value == Value::Object(Map::new()))
                }
                "format" => false,
                _ => true,
            });
            if let Some(Value::Array(types)) = schema.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_mut_slice() {
                    let only = only.take();
                    schema.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(values)) = schema.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            schema.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// Makes `anyOf: [T, null]` a T; what is said beside it goes before what T says of itself.
fn flatten_option(schema: &mut Map<String, Value>) {
    let Some(Value::Array(options)) = schema.get_mut("anyOf") else {
        return;
    };
    let is_null = |option: &Value| option.get("type").is_some_and(|name| name == "null");
    if let [one, two] = options.as_mut_slice()
        && is_null(two)
        && let Value::Object(inner) = one.take()
    {
        schema.remove("anyOf");
        for (key, value) in inner {
            schema.entry(key).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keywords that `walk` understands, or may pass over.
    const KNOWN: [&str; 22] = [
        "$schema",
        "title",
        "description",
        "default",
        "type",
        "enum",
        "const",
        "oneOf",
        "properties",
        "required",
        "additionalProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "items",
        "minItems",
        "maxItems",
        "uniqueItems",
        "pattern",
        "maxLength",
        "patternErrorMessage",
        "minimum",
    ];

    fn keywords(schema: &Value, seen: &mut Vec<String>) {
        let Value::Object(schema) = schema else {
            return;
        };
        for (keyword, value) in schema {
            seen.push(keyword.clone());
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    properties.values().for_each(|inner| keywords(inner, seen))
                }
                ("oneOf", Value::Array(options)) => {
                    options.iter().for_each(|inner| keywords(inner, seen))
                }
                ("items" | "additionalProperties" | "propertyNames", inner) => {
                    keywords(inner, seen)
                }
                _ => {}
            }
        }
    }

    #[test]
    fn the_check_understands_every_keyword() {
        let mut seen = Vec::new();
        keywords(&schema(), &mut seen);
        seen.retain(|keyword| !KNOWN.contains(&keyword.as_str()) && keyword != "maximum");
        assert_eq!(seen, Vec::<String>::new());
    }

    #[test]
    fn every_key_is_explained() {
        fn check(schema: &Value, path: &str) {
            for (key, inner) in schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                let path = format!("{path}.{key}");
                assert!(inner.get("description").is_some(), "{path}");
                check(inner, &path);
                check(
                    inner.get("additionalProperties").unwrap_or(&Value::Null),
                    &path,
                );
            }
        }
        check(&schema(), "");
    }
}
