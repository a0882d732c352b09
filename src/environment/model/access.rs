//! IAM groups with their policies, and registries.

use std::collections::BTreeSet;

/// An IAM group. Policies and members that the file does not name are drift.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name in IAM.
    pub name: String,
    /// What its members may do.
    pub policies: Vec<GroupPolicy>,
    /// The names of IAM users that exist already.
    pub members: BTreeSet<String>,
}

/// A policy that a group has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupPolicy {
    /// One that exists already: its ARN.
    Arn(String),
    /// One of ours: its key in `Environment::policies`.
    Own(String),
}

/// A customer-managed IAM policy, made from a document beside the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name in IAM.
    pub name: String,
    /// The document as the file names it, such as `policies/db-ops.json`.
    pub path: String,
    /// The document.
    pub document: serde_json::Value,
}

/// An ECR repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Its name in ECR.
    pub name: String,
    /// Whether a tag, once pushed, always means the same image.
    pub immutable_tags: bool,
    /// Whether images are scanned when they arrive.
    pub scan_on_push: bool,
}
