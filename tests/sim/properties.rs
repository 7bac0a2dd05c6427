//! What must hold whatever happens: order, bounds, nothing lost, nothing twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config as Settings, RngSeed};
use qstash_mock_server::engine::{
    Caller, Counters, Error, MessageAction, MessageId, Reply, Scope, Timestamp,
};

use crate::carried::properties::check_logs;
use crate::run::{Run, Step, steps};
use crate::world::{World, all_metrics, but, owner, publish, success};

/// 64 cases and a new seed each time, unless the environment says otherwise.
pub(crate) fn settings() -> Settings {
    let read = |variable| std::env::var(variable).ok()?.parse().ok();
    let seed = read("PROPTEST_RNG_SEED").unwrap_or_else(|| {
        let time = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        u64::from(time.subsec_nanos())
    });
    println!("to repeat this run: PROPTEST_RNG_SEED={seed}");
    Settings {
        cases: read("PROPTEST_CASES").map_or(64, |cases| cases as u32),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Settings::default()
    }
}

fn numbers(counters: &Counters) -> [u64; 8] {
    [
        counters.published,
        counters.deduplicated,
        counters.delivered,
        counters.retried,
        counters.dead_lettered,
        counters.failed,
        counters.cancelled,
        counters.expired_leases,
    ]
}

/// Crash after each commit: what was promised until then must be there.
fn check_every_prefix(run: &Run, promised: &BTreeMap<MessageId, usize>) {
    for commits in 0..=run.world.commits.len() {
        let mut disk = run.world.disk_after(commits);
        let known = disk.accounted_for();
        let mut restored = run.world.restored(disk.stored());
        restored.check_invariants();
        disk.catch_up(&mut restored);
        let lost = promised
            .iter()
            .find(|(id, at)| **at <= commits && !known.contains(id));
        assert!(lost.is_none(), "{lost:?} is lost after {commits} commits");
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn a_queue_with_parallelism_one_is_first_in_first_out(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 1);
        for step in &steps {
            run.step(step);
            run.check_first_in_first_out();
        }
    }

    #[test]
    fn calls_never_exceed_the_parallelism(seed: u64, parallelism in 1..4u32, steps in steps()) {
        let mut run = Run::new(seed, parallelism);
        for step in &steps {
            run.step(step);
            let open = run.world.calls.len();
            prop_assert!(open <= parallelism as usize, "{open} calls");
        }
    }

    #[test]
    fn a_message_is_in_exactly_one_state_and_the_figures_count_it(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 3);
        for step in &steps {
            run.step(step);
            run.check_figures();
        }
    }

    #[test]
    fn the_log_tells_possible_stories_of_deaths_and_redrives(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 3);
        for step in &steps {
            run.step(step);
        }
        check_logs(&mut run.world);
    }

    #[test]
    fn counters_only_grow(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 3);
        let mut before = [0; 8];
        for step in steps.iter().filter(|step| !matches!(step, Step::Crash)) {
            run.step(step);
            let after = numbers(&run.world.counters("hook"));
            prop_assert!(before.iter().zip(after).all(|(old, new)| *old <= new), "{before:?} {after:?}");
            before = after;
        }
    }

    #[test]
    fn nothing_acknowledged_is_lost_wherever_it_crashes(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 2);
        let mut promised = BTreeMap::new();
        for step in &steps {
            run.step(step);
            for id in &run.ids {
                promised.entry(*id).or_insert(run.world.commits.len());
            }
        }
        check_every_prefix(&run, &promised);
    }

    #[test]
    fn every_message_ends_when_consumers_recover(seed: u64, parallelism in 1..4u32, steps in steps()) {
        let mut run = Run::new(seed, parallelism);
        for step in &steps {
            run.step(step);
        }
        run.step(&Step::Pause(false));
        for _ in 0..500 {
            while !run.world.calls.is_empty() {
                run.answer(0, success());
            }
            run.world.advance_secs(1);
        }
        let stuck = run.members("hook");
        prop_assert!(stuck.is_empty(), "{stuck:?} never ended");
    }

    #[test]
    fn the_same_seed_and_inputs_make_the_same_ids_and_decisions(seed: u64, steps in steps()) {
        let runs = [(); 2].map(|()| {
            let mut run = Run::new(seed, 2);
            steps.iter().for_each(|step| run.step(step));
            (run.trace, format!("{:?}", run.world.started), run.world.commits)
        });
        let [first, second] = runs;
        prop_assert_eq!(first, second);
    }

    #[test]
    fn no_message_is_leased_to_two_consumers(seed: u64, waits in prop::collection::vec((1..4usize, 0..20_000u64), 1..60)) {
        let mut world = World::new(seed);
        let mut held: BTreeMap<MessageId, Timestamp> = BTreeMap::new();
        for (max, wait) in waits {
            world.publish("work");
            for message in world.receive("work", max) {
                let until = held.insert(message.id, message.expires_at);
                prop_assert!(until.is_none_or(|until| until <= world.now), "leased until {until:?}");
            }
            world.advance(Duration::from_millis(wait));
        }
    }

    #[test]
    fn a_key_stores_one_message_in_each_window(seed: u64, waits in prop::collection::vec(0..400u64, 1..40)) {
        let mut world = World::new(seed);
        let mut first: Option<(Timestamp, MessageId)> = None;
        for wait in waits {
            let message = but(publish("work"), |it| it.idempotency_key = Some("same".into()));
            let id = world.publish_with(message);
            match first {
                Some((at, known)) if world.now.since(at).as_secs() < 600 => prop_assert_eq!(id, known),
                _ => {
                    prop_assert!(first.is_none_or(|(_, known)| known != id), "an old id");
                    first = Some((world.now, id));
                }
            }
            world.advance_secs(wait);
        }
    }

    #[test]
    fn accounts_share_nothing(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 2);
        steps.iter().for_each(|step| run.step(step));
        let stranger = Arc::new(Caller::owner("stranger"));
        prop_assert_ne!(&stranger, &owner());
        for id in run.ids.clone() {
            let reply = run.world.act_as(&stranger, MessageAction::Cancel(id, Scope::Queues));
            prop_assert_eq!(reply, Err(Error::MessageNotFound));
        }
        let Ok(Reply::Metrics { metrics, .. }) = run.world.act_as(&stranger, all_metrics()) else {
            panic!("no figures");
        };
        prop_assert!(metrics.queues.is_empty());
    }
}
