//! Much independent work on all cores, and what of it failed.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::settings::tell;

/// Runs `work` to its end on a virtual clock of its own.
pub fn on_a_clock<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(work)
}

/// Does each piece of work, as many at once as there are cores, and gives those that failed.
pub fn each<W: Sync>(
    all: &[W],
    act: impl AsyncFn(&W) -> Result<(), String> + Sync,
) -> BTreeMap<usize, String> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = all.get(number) else { break };
            if let Err(why) = on_a_clock(act(piece)) {
                let mut failed = failed.lock().expect("nobody panicked");
                failed.insert(number, why);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    failed.into_inner().expect("nobody panicked")
}

/// Plays every seed and says how many failed; fails with those, any of which can be played again.
pub fn each_seed(what: &str, seeds: &[u64], play: impl AsyncFn(&u64) -> Result<(), String> + Sync) {
    let failed = each(seeds, play);
    let (first, last) = (seeds[0], seeds[seeds.len() - 1]);
    tell(&format!(
        "{what}: seeds {first}..={last}, {} failed",
        failed.len()
    ));
    let failed: Vec<String> = failed.into_values().collect();
    assert!(
        failed.is_empty(),
        "GROUNDWORK_SWEEP_SEED plays one again\n{}",
        failed.join("\n")
    );
}

/// The next number of a sequence that looks random and is the same every time.
pub fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
