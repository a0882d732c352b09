//! Section `registries`: ECR repositories.

pub mod inventory;
mod repository;

pub use repository::EcrRepository;

#[cfg(test)]
mod tests;
