//! A request to one resource, read from its URL, headers and body.

use serde_json::Value;

use super::cluster::Cluster;
use super::kinds::Kind;
use super::object::{name, namespace};
use super::query::Query;
use super::refusal::Refusal;
use super::shapes::{Shapes, schema_of};
use super::{kinds, object, protobuf};

/// A request to one resource.
#[derive(Clone)]
pub struct Call {
    /// What kind of object it is about.
    pub kind: Kind,
    /// The namespace of the URL, empty for a cluster-wide kind or all namespaces.
    pub namespace: String,
    /// The name of the URL, empty for a collection.
    pub name: String,
    /// The subresource, empty for the object itself.
    pub subresource: String,
    /// The options.
    pub query: Query,
    /// The media type of the body, without parameters.
    pub content_type: String,
    /// The client's name for itself.
    pub user_agent: String,
    /// The body.
    pub body: bytes::Bytes,
}

impl Call {
    /// What a kind's objects are stored under.
    pub fn storage(&self) -> String {
        self.kind.storage()
    }

    /// The key of the object that the URL names.
    pub fn key(&self) -> String {
        super::cluster::key(&self.namespace, &self.name)
    }

    /// The object that the URL names.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub fn live<'a>(&self, cluster: &'a Cluster) -> Result<&'a Value, Refusal> {
        cluster
            .get(&self.storage(), &self.namespace, &self.name)
            .ok_or_else(|| Refusal::not_found(&self.kind, &self.name))
    }

    /// The field manager of the request: as it says, or the program's name.
    pub fn manager(&self) -> &str {
        match self.query.text("fieldManager") {
            "" => self.user_agent.split('/').next().unwrap_or_default(),
            manager => manager,
        }
    }

    /// How the kind's fields are merged.
    pub fn shapes<'a>(&'a self, definition: Option<&'a Value>) -> Shapes<'a> {
        if self.kind.custom {
            Shapes::custom(&self.kind.kind, self.schema(definition))
        } else {
            Shapes::built_in(&self.kind.kind)
        }
    }

    /// The schema of a custom kind, in the version that is asked for.
    pub fn schema<'a>(&self, definition: Option<&'a Value>) -> Option<&'a Value> {
        schema_of(definition?, &self.kind.version)
    }

    /// The definition of a custom kind, cloned so that the cluster can change meanwhile.
    pub fn definition(&self, cluster: &Cluster) -> Option<Value> {
        let found = self
            .kind
            .custom
            .then(|| cluster.get(kinds::CRDS, "", &self.storage()))??;
        Some(found.clone())
    }

    /// The body as a document of this kind, with the URL's namespace and name.
    ///
    /// # Errors
    /// When it can't be read or contradicts the URL.
    pub fn document(&self) -> Result<Value, Refusal> {
        let mut document = parse(&self.content_type, &self.body)?;
        if !document.is_object() {
            return Err(Refusal::bad_request("the body is not an object"));
        }
        self.place(&mut document)?;
        Ok(document)
    }

    /// Holds a document against the URL and fills in what only the URL says.
    ///
    /// # Errors
    /// When the two contradict each other.
    pub fn place(&self, document: &mut Value) -> Result<(), Refusal> {
        let (version, kind) = (self.kind.api_version(), self.kind.kind.as_str());
        object::default(document, "/apiVersion", version.clone());
        object::default(document, "/kind", kind);
        if document["apiVersion"] != version {
            return Err(Refusal::bad_request(format!(
                "the API version in the data ({}) does not match the expected API version ({version})",
                object::text(document, "/apiVersion")
            )));
        }
        if document["kind"] != kind {
            return Err(Refusal::bad_request(format!(
                "{} in version {:?} cannot be handled as a {kind}",
                object::text(document, "/kind"),
                self.kind.version
            )));
        }
        if self.kind.namespaced {
            object::default(document, "/metadata/namespace", self.namespace.clone());
            if namespace(document) != self.namespace {
                return Err(Refusal::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
        } else {
            object::remove(document, "/metadata/namespace");
        }
        if !self.name.is_empty() {
            object::default(document, "/metadata/name", self.name.clone());
            if name(document) != self.name {
                return Err(Refusal::bad_request(format!(
                    "the name of the object ({}) does not match the name on the URL ({})",
                    name(document),
                    self.name
                )));
            }
        }
        Ok(())
    }
}

/// Reads a body.
///
/// # Errors
/// When its media type is not read here, or it is malformed.
pub fn parse(content_type: &str, body: &[u8]) -> Result<Value, Refusal> {
    if content_type.contains("yaml") {
        let text = std::str::from_utf8(body)
            .map_err(|error| Refusal::bad_request(format!("error decoding YAML: {error}")))?;
        serde_saphyr::from_str(text)
            .map_err(|error| Refusal::bad_request(format!("error decoding YAML: {error}")))
    } else if content_type == protobuf::MEDIA_TYPE {
        protobuf::read(body)
    } else if content_type.contains("protobuf") || content_type.contains("cbor") {
        Err(Refusal::unsupported_media_type(&[
            "application/json",
            "application/yaml",
        ]))
    } else {
        serde_json::from_slice(body).map_err(|error| {
            Refusal::bad_request(format!("couldn't decode the body as JSON: {error}"))
        })
    }
}
