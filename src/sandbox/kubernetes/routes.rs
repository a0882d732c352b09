//! What a URL's path means.

/// What a path asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Route<'a> {
    /// Objects.
    Resource(Resource),
    /// Which kinds there are: `api`, `apis`, and what lies under them.
    Discovery(&'a str),
    /// What their fields are.
    OpenApi(&'a str),
    /// The server's version.
    Version,
    /// Whether the server is well.
    Healthy,
    /// What somebody may do.
    Review,
    /// Nothing that is served.
    Unknown,
}

/// A path to objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// The API group, empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The resource's name.
    pub plural: String,
    /// The namespace, empty where the path names none.
    pub namespace: String,
    /// The object's name, empty for a collection.
    pub name: String,
    /// The subresource, empty for the object itself.
    pub subresource: String,
}

/// Reads a path.
pub fn find(path: &str) -> Route<'_> {
    let trimmed = path.trim_matches('/');
    let segments: Vec<&str> = trimmed.split('/').collect();
    match segments.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => Route::Healthy,
        ["version"] => Route::Version,
        ["openapi", ..] => Route::OpenApi(trimmed),
        [
            "apis",
            "authorization.k8s.io" | "authentication.k8s.io",
            "v1",
            _,
            ..,
        ] => Route::Review,
        ["" | "api"] | ["api", _] | ["apis"] | ["apis", _] | ["apis", _, _] => {
            Route::Discovery(trimmed)
        }
        ["api", version, rest @ ..] => resource("", version, rest),
        ["apis", group, version, rest @ ..] => resource(group, version, rest),
        _ => Route::Unknown,
    }
}

fn resource<'a>(group: &str, version: &str, rest: &[&str]) -> Route<'a> {
    let owned = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    // A namespace is an object itself, and what other objects live in.
    let (namespace, rest) = match rest {
        ["namespaces", name, "status" | "finalize"] if !name.is_empty() => ("", rest),
        ["namespaces", namespace, plural, rest @ ..] => {
            return place(
                group,
                version,
                namespace,
                &[&[*plural], rest].concat(),
                owned,
            );
        }
        rest => ("", rest),
    };
    place(group, version, namespace, rest, owned)
}

fn place<'a>(
    group: &str,
    version: &str,
    namespace: &str,
    rest: &[&str],
    owned: impl Fn(&str) -> String,
) -> Route<'a> {
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, "", ""),
        [plural, name] => (*plural, *name, ""),
        [plural, name, subresource] => (*plural, *name, *subresource),
        _ => return Route::Unknown,
    };
    Route::Resource(Resource {
        group: owned(group),
        version: owned(version),
        plural: owned(plural),
        namespace: owned(namespace),
        name: owned(name),
        subresource: owned(subresource),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> [String; 6] {
        let Route::Resource(found) = find(path) else {
            panic!("{path} is no resource");
        };
        [
            found.group,
            found.version,
            found.plural,
            found.namespace,
            found.name,
            found.subresource,
        ]
    }

    #[test]
    fn paths_name_objects_and_collections() {
        assert_eq!(
            parts("/apis/apps/v1/namespaces/a/deployments/web/status"),
            ["apps", "v1", "deployments", "a", "web", "status"]
        );
        assert_eq!(parts("/api/v1/pods"), ["", "v1", "pods", "", "", ""]);
        assert_eq!(
            parts("/api/v1/namespaces/a"),
            ["", "v1", "namespaces", "", "a", ""]
        );
        assert_eq!(
            parts("/api/v1/namespaces/a/finalize"),
            ["", "v1", "namespaces", "", "a", "finalize"]
        );
        assert_eq!(
            parts("/api/v1/namespaces/a/secrets"),
            ["", "v1", "secrets", "a", "", ""]
        );
        assert_eq!(
            parts("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode"),
            [
                "rbac.authorization.k8s.io",
                "v1",
                "clusterroles",
                "",
                "system:node",
                ""
            ]
        );
        assert_eq!(find("/apis/apps/v1"), Route::Discovery("apis/apps/v1"));
        assert_eq!(find("/nowhere"), Route::Unknown);
    }
}
