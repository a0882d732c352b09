//! Holds a file against the schema and tells everything that does not fit.
//!
//! What comes out always decodes: what does not fit is left out where it may be, and replaced by something that fits where it
//! may not. Its place is marked as unusable, so that the checks that follow can see the rest of the file without telling
//! consequences of what was told here.

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::faults::{Fault, Faults};
use super::forms;
use super::source::{Path, Source};

/// The file as JSON that decodes, and in `faults` all that did not fit.
pub(super) fn walk(schema: &Value, source: &mut Source<'_>, faults: &mut Faults) -> Value {
    let mut walker = Walker {
        faults,
        spellings: Vec::new(),
    };
    let json = walker.table(schema, source.root.get_ref(), &Path::default());
    for (path, spelt) in walker.spellings {
        source.accept_spelling(path, spelt);
    }
    Value::Object(json)
}

struct Walker<'f> {
    faults: &'f mut Faults,
    spellings: Vec<(Path, String)>,
}

impl Walker<'_> {
    /// The value as JSON, or nothing if it does not fit.
    fn value(&mut self, schema: &Value, value: &DeValue<'_>, path: &Path) -> Option<Value> {
        let wanted = text(schema, "type").unwrap_or("string");
        let problem = match (wanted, value) {
            ("string", DeValue::String(text)) => match string_problem(schema, text) {
                None => return Some(text.as_ref().into()),
                Some(problem) => problem,
            },
            ("boolean", DeValue::Boolean(truth)) => return Some((*truth).into()),
            ("integer", DeValue::Integer(integer)) => {
                match i128::from_str_radix(integer.as_str(), integer.radix())
                    .ok()
                    .map(|n| in_range(schema, n))
                {
                    Some(Ok(number)) => return Some(number.into()),
                    Some(Err(range)) => Problem::new("out of range", range),
                    None => Problem::new("out of range", "this number is too large"),
                }
            }
            ("array", DeValue::Array(items)) => return self.array(schema, items, path),
            ("object", DeValue::Table(table)) if takes_anything(schema) => {
                return Some(self.free(table, path));
            }
            ("object", DeValue::Table(table)) => return self.entries(schema, table, path),
            ("object", other) if !known_keys(schema).is_empty() => {
                let keys = known_keys(schema);
                let (wanted, found) = (list(&keys), article(other.type_str()));
                let mut problem = Problem::new(
                    "wrong type",
                    format!("expected a table with {wanted}, found {found}"),
                );
                if let Some(source) = ["secret", "env"].into_iter().find(|key| keys.contains(key)) {
                    problem.remedy = Some(format!(
                        "what is secret never stands in a file; write `{} = {{ {source} = \"…\" }}`",
                        path.last()
                    ));
                }
                problem
            }
            (_, other) => {
                let (told, found) = (article(wanted), article(other.type_str()));
                let label = format!("expected {told}, found {found}");
                let mut problem = Problem::new("wrong type", label);
                if wanted == "array" && matches!(other, DeValue::Table(_)) {
                    problem.remedy = Some(format!("write `[[{path}]]` above it"));
                }
                problem
            }
        };
        self.faults.unusable(path, problem.into_fault(path));
        None
    }

    fn array(
        &mut self,
        schema: &Value,
        items: &[Spanned<DeValue<'_>>],
        path: &Path,
    ) -> Option<Value> {
        let limits = (
            number(schema, "minItems").unwrap_or(0),
            number(schema, "maxItems").unwrap_or(i128::MAX),
        );
        let count = items.len() as i128;
        if count < limits.0 || count > limits.1 {
            let (message, label) = if count < limits.0 {
                ("too few", format!("expected at least {}", limits.0))
            } else {
                (
                    "too many",
                    format!("expected at most {}, found {count}", limits.1),
                )
            };
            let fault = Fault::value(path, format!("{message} items in `{}`", path.last()));
            self.faults.unusable(path, fault.label(label));
            return None;
        }
        let inner = schema.get("items").unwrap_or(&Value::Null);
        let mut array: Vec<Value> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let at = path.to(index);
            let fits = self.value(inner, item.get_ref(), &at);
            if schema.get("uniqueItems").is_some()
                && let Some(first) = array.iter().position(|other| Some(other) == fits.as_ref())
            {
                let fault = Fault::value(&at, format!("given twice in `{}`", path.last()))
                    .label("a second time here");
                self.faults.unusable(
                    &at,
                    fault
                        .also(&path.to(first), "first here")
                        .remedy("leave one of them out"),
                );
            }
            array.push(fits.unwrap_or_else(|| placeholder(inner)));
        }
        Some(array.into())
    }

    /// A table that may hold anything, as it is.
    fn free(&mut self, table: &DeTable<'_>, path: &Path) -> Value {
        let entries = table.iter().map(|(key, value)| {
            let key = key.get_ref().to_string();
            let value = self.anything(value.get_ref(), &path.to(&key));
            (key, value)
        });
        Value::Object(entries.collect())
    }

    /// Any value, as it is. What others than TOML know as well is all there is.
    fn anything(&mut self, value: &DeValue<'_>, path: &Path) -> Value {
        let number = match value {
            DeValue::String(text) => return text.as_ref().into(),
            DeValue::Boolean(truth) => return (*truth).into(),
            DeValue::Table(table) => return self.free(table, path),
            DeValue::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(at, item)| self.anything(item.get_ref(), &path.to(at)));
                return items.collect();
            }
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .map(Value::from),
            DeValue::Float(float) => float.as_str().parse::<f64>().ok().map(Value::from),
            DeValue::Datetime(_) => None,
        };
        // A float that is none, such as `nan`, has no place in JSON and becomes null.
        number
            .filter(|number| !number.is_null())
            .unwrap_or_else(|| {
                let found = article(value.type_str());
                let fault = Fault::value(path, format!("{found} is nothing that a chart takes"));
                self.faults.unusable(
                    path,
                    fault.label("expected a text, a number, a truth, a list or a table"),
                );
                Value::Null
            })
    }

    /// A table within the limits on the number of its keys.
    fn entries(&mut self, schema: &Value, table: &DeTable<'_>, path: &Path) -> Option<Value> {
        let (least, most) = (
            number(schema, "minProperties").unwrap_or(0),
            number(schema, "maxProperties"),
        );
        let count = table.len() as i128;
        if count < least || most.is_some_and(|most| count > most) {
            let known = known_keys(schema);
            let (message, remedy) = if known.is_empty() {
                (
                    format!("`{}` is empty", path.last()),
                    "put at least one key into it".to_owned(),
                )
            } else {
                (
                    format!("`{}` takes exactly one of {}", path.last(), list(&known)),
                    example(path),
                )
            };
            self.faults
                .unusable(path, Fault::key(path, message).remedy(remedy));
            return None;
        }
        Some(Value::Object(self.table(schema, table, path)))
    }

    fn table(&mut self, schema: &Value, table: &DeTable<'_>, path: &Path) -> Map<String, Value> {
        let mut json = Map::new();
        let no_properties = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&no_properties);
        let additional = schema
            .get("additionalProperties")
            .filter(|additional| additional.is_object());
        for (key, value) in table {
            let key = key.get_ref().as_ref();
            if let Some(inner) = properties.get(key) {
                let at = path.to(key);
                if let Some(fits) = self.value(inner, value.get_ref(), &at) {
                    json.insert(key.to_owned(), fits);
                }
            } else if let Some(inner) = additional {
                let at = path.to(key);
                if let Some(problem) =
                    string_problem(schema.get("propertyNames").unwrap_or(&Value::Null), key)
                {
                    self.faults.unusable(
                        &at,
                        Fault::key(&at, format!("`{key}` is not possible as a name here"))
                            .label(problem.label),
                    );
                }
                let fits = self.value(inner, value.get_ref(), &at);
                json.insert(key.to_owned(), fits.unwrap_or_else(|| placeholder(inner)));
            } else if let Some(meant) = self.unknown(properties, table, key, path)
                && let Some(inner) = properties.get(&meant)
            {
                let at = path.to(&meant);
                self.spellings.push((at.clone(), key.to_owned()));
                if let Some(fits) = self.value(inner, value.get_ref(), &at) {
                    json.insert(meant, fits);
                }
            }
        }
        self.missing(schema, properties, path, &mut json);
        json
    }

    /// Tells an unknown key, and says which one was meant if that one is not there.
    fn unknown(
        &mut self,
        known: &Map<String, Value>,
        table: &DeTable<'_>,
        key: &str,
        path: &Path,
    ) -> Option<String> {
        let at = path.to(key);
        let fault = if *path == Path::default() {
            Fault::key(&at, format!("unknown section `{key}`"))
        } else {
            Fault::key(&at, format!("unknown key `{key}` in `{path}`"))
        };
        let meant = nearest(key, known.keys().map(String::as_str));
        let keys: Vec<&str> = known.keys().map(String::as_str).collect();
        self.faults.add(match meant {
            Some(meant) => fault.label(format!("did you mean `{meant}`?")),
            None => fault.remedy(format!("it takes {}", list(&keys))),
        });
        meant
            .filter(|meant| !table.contains_key(*meant))
            .map(str::to_owned)
    }

    /// Tells required keys that are not there, and puts something in their place.
    fn missing(
        &mut self,
        schema: &Value,
        properties: &Map<String, Value>,
        path: &Path,
        json: &mut Map<String, Value>,
    ) {
        for key in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if json.contains_key(key) {
                continue;
            }
            let inner = properties.get(key).unwrap_or(&Value::Null);
            let at = path.to(key);
            if !self.faults.is_unusable(&at) {
                let place = if *path == Path::default() {
                    "the file".to_owned()
                } else {
                    format!("`{path}`")
                };
                let fault = Fault::key(&at, format!("`{key}` is missing in {place}"));
                let remedy = format!("add `{key}`: {}", in_words(inner));
                self.faults.unusable(&at, fault.remedy(remedy));
            }
            json.insert(key.to_owned(), placeholder(inner));
        }
    }
}

/// Why a value does not fit, and what would.
struct Problem {
    message: &'static str,
    label: String,
    remedy: Option<String>,
}

impl Problem {
    fn new(message: &'static str, label: impl Into<String>) -> Self {
        Self {
            message,
            label: label.into(),
            remedy: None,
        }
    }

    fn into_fault(self, path: &Path) -> Fault {
        // An item of an array is best told by the array's name.
        let fault = Fault::value(path, format!("{} for `{path}`", self.message)).label(self.label);
        match self.remedy {
            Some(remedy) => fault.remedy(remedy),
            None => fault,
        }
    }
}

fn string_problem(schema: &Value, value: &str) -> Option<Problem> {
    let allowed = allowed_words(schema);
    if !allowed.is_empty() {
        if allowed.contains(&value) {
            return None;
        }
        let mut problem = Problem::new("unknown value", format!("expected {}", list(&allowed)));
        problem.remedy =
            nearest(value, allowed.into_iter()).map(|meant| format!("did you mean \"{meant}\"?"));
        return Some(problem);
    }
    // The length first: no pattern is held against a megabyte.
    let fits = number(schema, "maxLength").is_none_or(|most| value.chars().count() as i128 <= most)
        && text(schema, "pattern").is_none_or(|pattern| forms::matches(pattern, value));
    (!fits).then(|| {
        Problem::new(
            "wrong form",
            text(schema, "patternErrorMessage").unwrap_or("not possible here"),
        )
    })
}

/// The number if it is in range, or the range in words.
fn in_range(schema: &Value, value: i128) -> Result<i64, String> {
    let (least, most) = (
        number(schema, "minimum").unwrap_or(0),
        number(schema, "maximum").unwrap_or(u32::MAX.into()),
    );
    match i64::try_from(value) {
        Ok(fits) if (least..=most).contains(&value) => Ok(fits),
        _ => Err(format!("expected {least} to {most}")),
    }
}

/// Something that decodes where `schema` is asked for.
fn placeholder(schema: &Value) -> Value {
    if let Some(default) = schema.get("default") {
        return default.clone();
    }
    match text(schema, "type").unwrap_or("string") {
        "boolean" => false.into(),
        "integer" => schema.get("minimum").cloned().unwrap_or(0.into()),
        "array" => Value::Array(Vec::new()),
        "object" => {
            let required = schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let property = |key: &str| {
                schema
                    .get("properties")
                    .and_then(|all| all.get(key))
                    .unwrap_or(&Value::Null)
            };
            required
                .filter_map(Value::as_str)
                .map(|key| (key.to_owned(), placeholder(property(key))))
                .collect()
        }
        _ => allowed_words(schema)
            .first()
            .copied()
            .unwrap_or_default()
            .into(),
    }
}

/// What to put where `schema` is asked for.
fn in_words(schema: &Value) -> String {
    let allowed = allowed_words(schema);
    if !allowed.is_empty() {
        return list(&allowed);
    }
    if let Some(form) = text(schema, "patternErrorMessage") {
        return form.trim_start_matches("expected ").to_owned();
    }
    let about = text(schema, "description").unwrap_or_default();
    let about = about.split(['\n', ';', '.']).next().unwrap_or_default();
    let (first, rest) = about.split_at(about.chars().next().map_or(0, char::len_utf8));
    first.to_lowercase() + rest
}

fn text<'a>(schema: &'a Value, keyword: &str) -> Option<&'a str> {
    schema.get(keyword)?.as_str()
}

fn number(schema: &Value, keyword: &str) -> Option<i128> {
    schema.get(keyword)?.as_i64().map(i128::from)
}

/// The words that are allowed, if only certain ones are: enums with documented words are a `oneOf`.
fn allowed_words(schema: &Value) -> Vec<&str> {
    let listed = |keyword| {
        schema
            .get(keyword)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let plain = listed("enum").filter_map(Value::as_str);
    plain
        .chain(listed("oneOf").filter_map(|option| text(option, "const")))
        .collect()
}

/// Whether a table may hold whatever its reader knows.
fn takes_anything(schema: &Value) -> bool {
    schema.get("additionalProperties") == Some(&Value::Bool(true))
}

fn known_keys(schema: &Value) -> Vec<&str> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|all| all.keys().map(String::as_str))
        .collect()
}

/// The candidate that was probably meant.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        // A third of it mistyped, and something of it right.
        .filter(|(distance, candidate)| {
            *distance * 3 <= candidate.len().max(3) && *distance < candidate.len().min(word.len())
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` or `c`.
pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

fn article(kind: &str) -> &str {
    match kind {
        "string" => "a text in quotes",
        "integer" => "a whole number",
        "float" => "a number with a fraction",
        "boolean" => "`true` or `false`",
        "array" => "a list in brackets",
        "object" | "table" => "a table",
        "datetime" => "a date",
        other => other,
    }
}

/// How to write what takes exactly one of several keys.
fn example(path: &Path) -> String {
    format!(
        "such as `{} = {{ env = \"VARIABLE\" }}` or `{{ generate = {{ length = 32 }} }}`",
        path.last()
    )
}
