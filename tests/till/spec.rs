//! What `docs/till.openapi.yaml` promises, held against what is really answered. It reads the YAML that this file keeps to (blocks, one-line
//! lists and maps, folded text) and the part of JSON Schema that it uses; anything else in it fails the test.

use std::path::Path;

use serde_json::{Map, Value, json};

/// The document.
pub struct Spec(pub Value);

impl Spec {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/till.openapi.yaml");
        Self(yaml(&std::fs::read_to_string(path).unwrap()))
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
        let found = self.0.pointer(reference.strip_prefix('#').unwrap());
        self.resolve(found.unwrap_or_else(|| panic!("{reference} leads nowhere")))
    }

    /// An answer to what was asked by `method` at `path`. Problems that any path may have before it is found are looked at as such.
    #[track_caller]
    pub fn check_answer(&self, method: &str, path: &str, status: u16, content_type: &str, body: &Value) {
        let template = self.template(path);
        let operation = template.and_then(|template| self.0["paths"][template].get(method.to_lowercase()));
        let Some(operation) = operation else {
            assert!(matches!(status, 403..=405), "{method} {path} is not in the document, and answered {status}");
            return self.check_schema(&json!({"$ref": "#/components/schemas/Problem"}), body, "problem");
        };
        let response = operation["responses"].get(status.to_string());
        let response = self.resolve(response.unwrap_or_else(|| panic!("{method} {path}: {status} is not promised")));
        match response.get("content") {
            None => assert!(body.is_null(), "{method} {path}: {status} has a body"),
            Some(content) => {
                let media = content.get(content_type);
                let media = media.unwrap_or_else(|| panic!("{method} {path}: {content_type} is not promised"));
                self.check_schema(&media["schema"], body, &format!("{method} {path} {status}"));
            }
        }
    }

    fn template(&self, path: &str) -> Option<&str> {
        let parts: Vec<_> = path.split('/').collect();
        self.0["paths"].as_object().unwrap().keys().map(String::as_str).find(|template| {
            let wanted: Vec<_> = template.split('/').collect();
            wanted.len() == parts.len()
                && wanted.iter().zip(&parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
        })
    }

    #[track_caller]
    pub fn check_schema(&self, schema: &Value, value: &Value, at: &str) {
        let schema = self.resolve(schema);
        for (key, rule) in schema.as_object().unwrap() {
            match key.as_str() {
                "description" | "format" => {}
                "type" => {
                    let types: Vec<_> = match rule {
                        Value::Array(types) => types.iter().map(|name| name.as_str().unwrap()).collect(),
                        one => vec![one.as_str().unwrap()],
                    };
                    assert!(types.iter().any(|name| is_a(value, name)), "{at}: {value} is no {types:?}");
                }
                "enum" => assert!(rule.as_array().unwrap().contains(value), "{at}: {value} is not in {rule}"),
                "minimum" => assert!(value.as_i64().is_none_or(|n| n >= rule.as_i64().unwrap()), "{at}: {value}"),
                "maximum" => assert!(value.as_i64().is_none_or(|n| n <= rule.as_i64().unwrap()), "{at}: {value}"),
                // What a key is is tested beside it.
                "pattern" => assert!(value.is_string(), "{at}"),
                "anyOf" => {
                    let fits = |one: &Value| {
                        let one = self.resolve(one);
                        is_a(value, one["type"].as_str().unwrap())
                    };
                    let one = rule.as_array().unwrap().iter().find(|one| fits(one));
                    self.check_schema(one.unwrap_or_else(|| panic!("{at}: {value} is none of {rule}")), value, at);
                }
                "required" => {
                    let Some(object) = value.as_object() else { continue };
                    for name in rule.as_array().unwrap() {
                        assert!(object.contains_key(name.as_str().unwrap()), "{at}: {name} is missing in {value}");
                    }
                }
                "properties" => {
                    let Some(object) = value.as_object() else { continue };
                    for (name, schema) in rule.as_object().unwrap() {
                        if let Some(member) = object.get(name) {
                            self.check_schema(schema, member, &format!("{at}.{name}"));
                        }
                    }
                }
                "additionalProperties" => {
                    assert_eq!(rule, &json!(false));
                    let Some(object) = value.as_object() else { continue };
                    for name in object.keys() {
                        assert!(schema["properties"].get(name).is_some(), "{at}: {name} is not promised");
                    }
                }
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.check_schema(rule, item, at);
                    }
                }
                other => panic!("{at}: {other} is not understood"),
            }
        }
    }

    /// The values of an enumeration, without `null`.
    pub fn values(&self, pointer: &str) -> Vec<String> {
        let found = self.0.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        found.as_array().unwrap().iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("type {other}"),
    }
}

/// Reads the YAML that the document keeps to.
fn yaml(text: &str) -> Value {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| (line.len() - line.trim_start().len(), line.trim()))
        .collect();
    let mut at = 0;
    let value = block(&lines, &mut at, 0);
    assert_eq!(at, lines.len(), "line {at} is not read: {:?}", lines.get(at));
    value
}

fn block(lines: &[(usize, &str)], at: &mut usize, indent: usize) -> Value {
    if lines[*at].1.starts_with("- ") {
        let mut list = Vec::new();
        while let Some((depth, line)) = lines.get(*at)
            && *depth == indent
            && let Some(item) = line.strip_prefix("- ")
        {
            *at += 1;
            // An item that is a map goes on below it, two further in.
            let is_map = !item.starts_with(['{', '"', '[']) && item.contains(": ");
            if is_map {
                let mut map = Map::new();
                entry(item, lines, at, indent + 2, &mut map);
                entries(lines, at, indent + 2, &mut map);
                list.push(Value::Object(map));
            } else if let Some(name) = item.strip_suffix(": []") {
                list.push(json!({ name: [] }));
            } else {
                list.push(flow(item));
            }
        }
        return Value::Array(list);
    }
    let mut map = Map::new();
    entries(lines, at, indent, &mut map);
    Value::Object(map)
}

fn entries(lines: &[(usize, &str)], at: &mut usize, indent: usize, map: &mut Map<String, Value>) {
    while let Some((depth, line)) = lines.get(*at)
        && *depth == indent
        && !line.starts_with("- ")
    {
        *at += 1;
        entry(line, lines, at, indent, map);
    }
}

fn entry(line: &str, lines: &[(usize, &str)], at: &mut usize, indent: usize, map: &mut Map<String, Value>) {
    let (name, rest) = match line.split_once(": ") {
        Some((name, rest)) => (name, rest.trim()),
        None => (line.strip_suffix(':').unwrap_or_else(|| panic!("no entry: {line}")), ""),
    };
    let name = name.trim_matches('"').to_owned();
    let value = match rest {
        "" => {
            let (depth, _) = lines[*at];
            assert!(depth > indent || lines[*at].1.starts_with("- "), "nothing below {name}");
            block(lines, at, depth)
        }
        ">-" => {
            let mut text = Vec::new();
            while let Some((depth, line)) = lines.get(*at)
                && *depth > indent
            {
                text.push(*line);
                *at += 1;
            }
            text.join(" ").into()
        }
        other => flow(other),
    };
    assert!(map.insert(name.clone(), value).is_none(), "{name} stands twice");
}

/// What stands in one line.
fn flow(text: &str) -> Value {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        let members = parts(inner).into_iter().map(|part| {
            let (name, value) = part.split_once(": ").unwrap_or_else(|| panic!("no member: {part}"));
            (name.trim().trim_matches('"').to_owned(), flow(value))
        });
        return Value::Object(members.collect());
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return parts(inner).into_iter().map(flow).collect();
    }
    if let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        return inner.into();
    }
    match text {
        "true" => true.into(),
        "false" => false.into(),
        "null" => Value::Null,
        _ => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
    }
}

/// Parts between commas, those within brackets left whole. A comma in plain text has to be followed by something that is no member.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from, mut quoted) = (Vec::new(), 0, 0, false);
    for (index, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth -= 1,
            ',' if depth == 0 && !quoted => {
                parts.push(text[from..index].trim());
                from = index + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}
