//! What is asked before the first change: whether the credentials may do what the plan needs, and whether the account
//! has room for it. Both would otherwise be found out half way, with half an environment standing.

mod quotas;
mod rights;
mod verdict;

use std::fmt;

pub use quotas::Shortage;
pub use verdict::{DeniedBy, Rights};

use super::{Error, Planned, Session};
use crate::cloud::Fault;
use verdict::Verdict;

/// Why a plan would fail half way.
#[derive(Debug)]
pub struct Obstacles {
    /// The environment.
    pub environment: String,
    /// The ARN whose rights were simulated.
    pub principal: String,
    /// What it may not do.
    pub rights: Vec<Rights>,
    /// What the account has too little room for.
    pub shortages: Vec<Shortage>,
}

impl fmt::Display for Obstacles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.rights.is_empty() {
            write!(f, "{} may not do all that it needs", self.principal)?;
        }
        for rights in &self.rights {
            write!(f, "\n{rights}")?;
        }
        if !self.rights.is_empty() && !self.shortages.is_empty() {
            f.write_str("\nand ")?;
        }
        if !self.shortages.is_empty() {
            f.write_str("the account has no room for it")?;
        }
        for shortage in &self.shortages {
            write!(f, "\n{shortage}")?;
        }
        Ok(())
    }
}

/// What could not be found out, as a sentence for people: no reason to stay away from the plan.
pub type Unchecked = String;

/// Compares rights and quotas with the work of `planned`. Gives what could not be found out.
///
/// # Errors
/// When AWS says that the plan would fail; nothing was changed.
pub async fn preflight(session: &Session, planned: &Planned) -> Result<Vec<Unchecked>, Error> {
    if !session.cloud.aws.has_account() {
        return Ok(Vec::new());
    }
    let (rights, quotas) = futures::join!(
        rights::missing(session, &planned.plan),
        quotas::exceeded(&session.cloud, &session.account, planned)
    );
    let mut unchecked = Vec::new();
    let rights = rights.unwrap_or_else(|fault| {
        unchecked.push(untold("whether the credentials may do all of this", &fault));
        Verdict::default()
    });
    unchecked.extend(rights.undecided());
    let shortages = quotas.unwrap_or_else(|fault| {
        unchecked.push(untold(
            "whether the account has room for all of this",
            &fault,
        ));
        Vec::new()
    });
    if rights.missing.is_empty() && shortages.is_empty() {
        return Ok(unchecked);
    }
    Err(Error::Preflight(Box::new(Obstacles {
        environment: session.environment.name.clone(),
        principal: rights.principal,
        rights: rights.missing,
        shortages,
    })))
}

fn untold(what: &str, fault: &Fault) -> Unchecked {
    format!("{what} was not checked: {fault}")
}
