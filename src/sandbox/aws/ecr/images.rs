//! Images: manifests with their digests and tags, as far as promoting one by its manifest needs them.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Image, Repository, invalid, named};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, page};
use crate::sandbox::world::World;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The digest of exactly these bytes.
fn digest_of(manifest: &str) -> String {
    let digest = Sha256::digest(manifest.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

impl Repository {
    fn digest_of_tag(&self, tag: &str) -> Option<&String> {
        let mut images = self.images.iter();
        images
            .find(|(_, image)| image.tags.contains(tag))
            .map(|(digest, _)| digest)
    }

    /// The digest that an image id means: by digest, by tag, or by both when they agree.
    fn find(&self, id: &Params) -> Option<(&String, &Image)> {
        let digest = id.text("imageDigest");
        let digest = match (id.text("imageTag"), digest) {
            (Some(tag), None) => self.digest_of_tag(&tag)?.clone(),
            (Some(tag), Some(digest)) if self.digest_of_tag(&tag) == Some(&digest) => digest,
            (None, Some(digest)) => digest,
            (None, None) | (Some(_), Some(_)) => return None,
        };
        self.images.get_key_value(&digest)
    }

    fn layers(&self) -> BTreeSet<String> {
        let manifests = self.images.values();
        manifests
            .flat_map(|image| layers_of(&image.manifest))
            .collect()
    }
}

/// The digests of the layers that a manifest names; an index names none.
fn layers_of(manifest: &str) -> BTreeSet<String> {
    let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    let layers = manifest.get("layers").and_then(Value::as_array);
    layers
        .into_iter()
        .flatten()
        .filter_map(|layer| layer.get("digest")?.as_str().map(str::to_owned))
        .collect()
}

fn image_id(digest: &str, tag: Option<&String>) -> Fields {
    Fields::new()
        .with("imageDigest", digest)
        .maybe("imageTag", tag)
}

/// Stores a manifest under its tag. The sandbox takes no layers, so those that only another repository holds
/// are the ones that are missing here.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let (account, now) = (world.account.clone(), world.now);
    let manifest = params.required("imageManifest")?;
    let parsed: Value = serde_json::from_str(&manifest).map_err(|_| {
        invalid("Invalid parameter at 'imageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
    })?;
    let digest = digest_of(&manifest);
    if params
        .text("imageDigest")
        .is_some_and(|given| given != digest)
    {
        return Err(Fault::new(
            "ImageDigestDoesNotMatchException",
            "The provided digest does not match the computed digest.",
        ));
    }
    let repository = named(world, call)?.clone();
    let elsewhere: BTreeSet<String> = world
        .region(&call.region)
        .ecr
        .repositories
        .values()
        .filter(|other| other.name != repository.name)
        .flat_map(Repository::layers)
        .collect();
    let here = repository.layers();
    let missing: Vec<String> = layers_of(&manifest)
        .into_iter()
        .filter(|layer| elsewhere.contains(layer) && !here.contains(layer))
        .collect();
    if !missing.is_empty() {
        return Err(Fault::new(
            "LayersNotFoundException",
            format!(
                "Layers with digests '{}' required for pushing image into repository with name '{}' in the registry with id '{account}' do not exist",
                missing.join(", "),
                repository.name
            ),
        ));
    }
    let tag = params.text("imageTag");
    let current = match &tag {
        Some(tag) => repository.digest_of_tag(tag),
        None => repository
            .images
            .get_key_value(&digest)
            .map(|found| found.0),
    };
    if current == Some(&digest) {
        return Err(Fault::new(
            "ImageAlreadyExistsException",
            format!(
                "Image with digest '{digest}' and tag '{}' already exists in the repository with name '{}' in registry with id '{account}'",
                tag.unwrap_or_default(),
                repository.name
            ),
        ));
    }
    if current.is_some() && repository.mutability == "IMMUTABLE" {
        return Err(Fault::new(
            "ImageTagAlreadyExistsException",
            format!(
                "The image tag '{}' already exists in the '{}' repository and cannot be overwritten because the repository is immutable.",
                tag.unwrap_or_default(),
                repository.name
            ),
        ));
    }
    let media_type = params
        .text("imageManifestMediaType")
        .or_else(|| Some(parsed.get("mediaType")?.as_str()?.to_owned()))
        .unwrap_or_else(|| DOCKER_MANIFEST.to_owned());
    let repository = named(world, call)?;
    if let Some(tag) = &tag {
        for image in repository.images.values_mut() {
            image.tags.remove(tag);
        }
    }
    let image = repository
        .images
        .entry(digest.clone())
        .or_insert_with(|| Image {
            manifest,
            media_type,
            tags: BTreeSet::new(),
            pushed: now,
        });
    image.tags.extend(tag.clone());
    let reply = render(&account, &call.params, &digest, tag.as_ref(), image);
    Ok(Fields::new().with("image", reply).into())
}

fn render(
    account: &str,
    params: &Params,
    digest: &str,
    tag: Option<&String>,
    image: &Image,
) -> Fields {
    Fields::new()
        .with("registryId", account)
        .maybe("repositoryName", params.text("repositoryName"))
        .with("imageId", image_id(digest, tag))
        .with("imageManifest", &image.manifest)
        .with("imageManifestMediaType", &image.media_type)
}

/// What was asked for and is not there, which is no error of the whole request.
fn failure(id: &Params) -> Fields {
    let asked = Fields::new()
        .maybe("imageDigest", id.text("imageDigest"))
        .maybe("imageTag", id.text("imageTag"));
    Fields::new()
        .with("imageId", asked)
        .with("failureCode", "ImageNotFound")
        .with("failureReason", "Requested image not found")
}

pub(super) fn batch_get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let account = world.account.clone();
    let repository = named(world, call)?;
    let accepted = call.params.texts("acceptedMediaTypes");
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in call.params.list("imageIds") {
        let found = repository
            .find(&id)
            .filter(|(_, image)| accepted.is_empty() || accepted.contains(&image.media_type));
        match found {
            Some((digest, image)) => {
                let tag = id.text("imageTag");
                images.push(render(&account, &call.params, digest, tag.as_ref(), image));
            }
            None => failures.push(failure(&id)),
        }
    }
    Ok(Fields::new()
        .list("images", "member", images)
        .list("failures", "member", failures)
        .into())
}

/// Takes tags off images, and images away whose last tag goes or that are named by digest.
pub(super) fn batch_delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let repository = named(world, call)?;
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for id in call.params.list("imageIds") {
        let Some(digest) = repository.find(&id).map(|(digest, _)| digest.clone()) else {
            failures.push(failure(&id));
            continue;
        };
        let tag = id.text("imageTag");
        if let Some(image) = repository.images.get_mut(&digest) {
            match &tag {
                Some(tag) => drop(image.tags.remove(tag)),
                None => image.tags.clear(),
            }
            if image.tags.is_empty() {
                repository.images.remove(&digest);
            }
        }
        deleted.push(image_id(&digest, tag.as_ref()));
    }
    Ok(Fields::new()
        .list("imageIds", "member", deleted)
        .list("failures", "member", failures)
        .into())
}

/// Whether the request's filter asks for images like this one.
fn admitted(params: &Params, image: &Image) -> bool {
    match params.nested("filter").text("tagStatus").as_deref() {
        Some("TAGGED") => !image.tags.is_empty(),
        Some("UNTAGGED") => image.tags.is_empty(),
        _ => true,
    }
}

fn page_of<T>(
    params: &Params,
    elements: impl IntoIterator<Item = (String, T)>,
) -> Result<page::Page<T>, Fault> {
    let size = page::size(params, "maxResults", 100, 1000, "InvalidParameterException")?;
    Ok(page::cut(
        elements,
        params.text("nextToken").as_deref(),
        size,
    ))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let repository = named(world, call)?;
    let ids = repository
        .images
        .iter()
        .filter(|(_, image)| admitted(&call.params, image))
        .flat_map(|(digest, image)| {
            let untagged = image.tags.is_empty().then_some(None);
            let tags = image.tags.iter().map(Some).chain(untagged);
            tags.map(move |tag| {
                let key = format!("{digest} {}", tag.map_or("", String::as_str));
                (key, image_id(digest, tag))
            })
        });
    let page = page_of(&call.params, ids)?;
    Ok(Fields::new()
        .list("imageIds", "member", page.items)
        .maybe("nextToken", page.next)
        .into())
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let account = world.account.clone();
    let repository = named(world, call)?;
    let asked = call.params.list("imageIds");
    let mut wanted = BTreeSet::new();
    for id in &asked {
        let (digest, _) = repository.find(id).ok_or_else(|| {
            let or_null = |name| id.text(name).unwrap_or_else(|| "null".to_owned());
            Fault::new(
                "ImageNotFoundException",
                format!(
                    "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name '{}' in the registry with id '{account}'",
                    or_null("imageDigest"),
                    or_null("imageTag"),
                    repository.name
                ),
            )
        })?;
        wanted.insert(digest.clone());
    }
    let details = repository
        .images
        .iter()
        .filter(|(digest, image)| {
            (asked.is_empty() || wanted.contains(*digest)) && admitted(&call.params, image)
        })
        .map(|(digest, image)| {
            let detail = Fields::new()
                .with("registryId", &account)
                .with("repositoryName", &repository.name)
                .with("imageDigest", digest)
                .list("imageTags", "member", &image.tags)
                .with("imageSizeInBytes", image.manifest.len() as i64)
                .with("imagePushedAt", image.pushed)
                .with("imageManifestMediaType", &image.media_type);
            (digest.clone(), detail)
        });
    let page = page_of(&call.params, details)?;
    Ok(Fields::new()
        .list("imageDetails", "member", page.items)
        .maybe("nextToken", page.next)
        .into())
}
