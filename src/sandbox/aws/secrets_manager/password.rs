//! `GetRandomPassword`: characters from the world's own source, so that a run repeats exactly.

use super::invalid_parameter;
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// The flag that leaves a class of characters out, and the class.
const CLASSES: [(&str, &str); 4] = [
    ("ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"),
    ("ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("ExcludeNumbers", "0123456789"),
    ("ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
];

pub(super) fn random(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let length = match params.int("PasswordLength")?.unwrap_or(32) {
        length @ 1..=4096 => length.unsigned_abs() as usize,
        _ => {
            return Err(invalid_parameter(
                "PasswordLength must be between 1 and 4096.",
            ));
        }
    };
    let unwanted = params.text("ExcludeCharacters").unwrap_or_default();
    let mut classes: Vec<Vec<char>> = CLASSES
        .iter()
        .filter(|(flag, _)| params.flag(flag) != Some(true))
        .map(|(_, class)| class.chars().filter(|c| !unwanted.contains(*c)).collect())
        .collect();
    if params.flag("IncludeSpace") == Some(true) {
        classes.push(vec![' ']);
    }
    classes.retain(|class| !class.is_empty());
    let each = params.flag("RequireEachIncludedType").unwrap_or(true);
    if classes.is_empty() || (each && classes.len() > length) {
        return Err(invalid_parameter(
            "The password length is too short or every character is excluded.",
        ));
    }
    let all = classes.concat();
    let mut password: Vec<char> = (0..length).map(|_| pick(world, &all)).collect();
    if each {
        // One character of each class, at places that do not meet.
        let start = below(world, length);
        for (n, class) in classes.iter().enumerate() {
            password[(start + n * (length / classes.len())) % length] = pick(world, class);
        }
    }
    let password: String = password.into_iter().collect();
    Ok(Fields::new().with("RandomPassword", password).into())
}

fn below(world: &mut World, limit: usize) -> usize {
    let number = u64::from_str_radix(&world.ids.hex(12), 16).unwrap_or_default();
    (number % limit as u64) as usize
}

fn pick(world: &mut World, from: &[char]) -> char {
    from[below(world, from.len())]
}
