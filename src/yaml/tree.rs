//! The located tree: YAML values with the place each was written at.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::Mistake;

/// A place in the text; both 1-based.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) place: Place,
    /// The value.
    pub kind: Kind,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// 1-based line where the value stands.
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// The value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a text node.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The nodes of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// Calls `change` on every text in the tree, with its place.
    pub fn for_each_text(&mut self, change: &mut impl FnMut(&mut String, Mistake)) {
        let place = self.place;
        match &mut self.kind {
            Kind::Text(text) => change(text, place.mistake("")),
            Kind::List(items) => items.iter_mut().for_each(|item| item.for_each_text(change)),
            Kind::Map(entries) => entries.iter_mut().for_each(|(_, value)| value.for_each_text(change)),
            _ => {}
        }
    }

    /// A mistake at this node's place.
    pub fn mistake(&self, message: impl Into<String>) -> Mistake {
        self.place.mistake(message)
    }

    /// Takes the mapping entry whose key stands at `place` out of the tree; gives its key.
    pub(super) fn remove_entry(&mut self, place: Place) -> Option<String> {
        match &mut self.kind {
            Kind::Map(entries) => match entries.iter().position(|(key, _)| key.place == place) {
                Some(at) => entries.remove(at).0.text().map(str::to_owned),
                None => entries.iter_mut().find_map(|(_, value)| value.remove_entry(place)),
            },
            Kind::List(items) => items.iter_mut().find_map(|item| item.remove_entry(place)),
            _ => None,
        }
    }

    pub(super) fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Int(_) => "a whole number",
            Kind::Float(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }
}

impl Place {
    fn mistake(self, message: impl Into<String>) -> Mistake {
        Mistake { line: self.line, column: self.column, message: message.into(), hint: None }
    }
}

pub(super) fn parse_all(text: &str) -> Result<Vec<Node>, Mistake> {
    let documents = MarkedYaml::load_from_str(text).map_err(|error| {
        let place = Place { line: error.marker().line(), column: error.marker().col() + 1 };
        place.mistake(format!("not YAML: {}", error.info()))
    })?;
    documents.iter().map(convert).collect()
}

pub(super) fn single(mut documents: Vec<Node>) -> Result<Node, Mistake> {
    if let Some(second) = documents.get(1) {
        return Err(second.mistake("a second document; one file holds one document"));
    }
    Ok(documents.pop().unwrap_or(Node { place: Place { line: 1, column: 1 }, kind: Kind::Map(Vec::new()) }))
}

fn convert(yaml: &MarkedYaml<'_>) -> Result<Node, Mistake> {
    let place = Place { line: yaml.span.start.line(), column: yaml.span.start.col() + 1 };
    let kind = match &yaml.data {
        YamlData::Value(Scalar::Null) => Kind::Null,
        YamlData::Value(Scalar::Boolean(value)) => Kind::Bool(*value),
        YamlData::Value(Scalar::Integer(value)) => Kind::Int(*value),
        YamlData::Value(Scalar::FloatingPoint(value)) => Kind::Float(value.into_inner()),
        YamlData::Value(Scalar::String(value)) => Kind::Text(value.to_string()),
        YamlData::Representation(value, ..) => Kind::Text(value.to_string()),
        YamlData::Sequence(items) => Kind::List(items.iter().map(convert).collect::<Result<_, _>>()?),
        YamlData::Mapping(entries) => {
            let pairs = entries.iter().map(|(key, value)| Ok((convert(key)?, convert(value)?)));
            Kind::Map(pairs.collect::<Result<_, Mistake>>()?)
        }
        YamlData::Tagged(..) | YamlData::Alias(_) | YamlData::BadValue => {
            return Err(place.mistake("tags and aliases are not used here; write the value itself"));
        }
    };
    Ok(Node { place, kind })
}
