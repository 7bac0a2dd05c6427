//! Bounds hold whatever happens: the invariants count again after every input.

use proptest::prelude::*;
use qstash_mock_server::engine::{Config, Engine, Entity, Limits, Seed, Stage};

use crate::carried::run::{Run, steps};
use crate::properties::settings;

/// Bounds that a few messages reach, over which the server forgets.
fn forget_early(limits: &mut Limits) {
    limits.finished_messages = 5;
    limits.finished_bytes = 6_000;
    limits.history = 2;
    limits.bulk_step = 3;
    limits.starts = 1;
    limits.publishes = 1;
    limits.retried = 1;
    limits.list_scan = 3;
    limits.dead_letters = 2;
    limits.all_dead_letters = 3;
    limits.answer_bytes = 15;
    limits.log_rows = 20;
    limits.log_bytes = 9_000;
    limits.all_log_bytes = 12_000;
}

/// Bounds that a few messages reach, over which the server refuses.
fn refuse_early(limits: &mut Limits) {
    limits.flow_keys = 1;
    limits.dedup_keys = 1;
    limits.bulk_jobs = 1;
    limits.held_bytes = 16_000;
}

fn tight(seed: u64) -> Run {
    let mut config = Config::new(Seed::from(seed));
    config.quotas.global_parallelism = Some(3);
    forget_early(&mut config.limits);
    refuse_early(&mut config.limits);
    Run::with(config, true)
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn tight_bounds_hold_after_every_input(seed: u64, steps in steps()) {
        let mut run = tight(seed);
        for step in &steps {
            run.step(step);
            let disk = &run.world.disk;
            prop_assert!(disk.count(|it| matches!(it, Entity::Listed(_))) <= 2);
            prop_assert!(disk.count(|it| matches!(it, Entity::DedupKey(_))) <= 1);
            prop_assert!(disk.count(|it| matches!(it, Entity::FlowKey(_))) <= 1);
            // One log for either kind of messages.
            prop_assert!(disk.count(|it| matches!(it, Entity::Log(_))) <= 40);
        }
    }

    #[test]
    fn messages_end_under_tight_bounds_too(seed: u64, steps in steps()) {
        let mut run = tight(seed);
        for step in &steps {
            run.step(step);
        }
        run.recover();
        for id in run.ids.clone() {
            if let Some(view) = run.world.carried(id) {
                prop_assert_eq!(view.stage, Stage::Delivered);
            }
        }
    }

    #[test]
    fn a_server_that_forgets_earlier_restores_what_another_one_stored(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, None);
        for step in &steps {
            run.step(step);
        }
        let mut config = run.world.config.clone();
        forget_early(&mut config.limits);
        let restored = Engine::restore(config, run.world.now, run.world.disk.stored());
        let mut restored = restored.expect("it restores");
        restored.handle_timeout(run.world.now);
        while restored.poll_timeout().is_some_and(|at| at <= run.world.now) {
            restored.handle_timeout(run.world.now);
        }
        restored.check_invariants();
        run.world.disk.catch_up(&mut restored);
    }
}
