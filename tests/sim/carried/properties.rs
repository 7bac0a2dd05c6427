//! What must hold of messages with rules of their own, whatever happens.

use std::collections::BTreeMap;

use proptest::prelude::*;
use qstash_mock_server::engine::{
    Event, LogKind, LogQuery, MessageAction, MessageId, Reply, RetryDelay, Scope, Stage, Timestamp,
};

use super::run::{KEYS, Run, steps};
use super::words::{A, all_rows, flowing, keyed, millis, retries, through, to, with};
use crate::properties::settings;
use crate::world::{World, failure, success};

/// The steps a log may show next, after this one.
fn may_follow(event: Event) -> &'static [Event] {
    use Event::{
        Active, CancelRequested, Cancelled, Created, DeadLettered, Delivered, Error, Failed,
        Redriven, Retry,
    };
    match event {
        // A crash forgets an attempt that nobody answered, and makes it again.
        Created => &[Active, CancelRequested],
        // A dead letter that was looked at may be sent back.
        Retry => &[Active, Redriven, CancelRequested],
        Active => &[Active, Error, Delivered, CancelRequested],
        Error => &[Retry, Failed, DeadLettered],
        DeadLettered => &[Active, Redriven, CancelRequested],
        Redriven => &[Active, CancelRequested],
        CancelRequested => &[Cancelled],
        Delivered | Failed | Cancelled => &[],
    }
}

/// Both logs tell possible stories; only messages that follow queue rules go to dead-letter queues.
pub(crate) fn check_logs(world: &mut World) {
    for kind in [LogKind::CarriedRules, LogKind::QueueRules] {
        let query = LogQuery {
            kind,
            count: usize::MAX,
            ..all_rows()
        };
        let mut last: BTreeMap<MessageId, Event> = BTreeMap::new();
        for row in world.every_row(query) {
            let carries = row.carried.is_some();
            assert_eq!(carries, kind == LogKind::CarriedRules, "{row:?}");
            let allowed = match last.insert(row.message, row.event) {
                None => row.event == Event::Created,
                Some(before) => may_follow(before).contains(&row.event),
            };
            let moves = matches!(row.event, Event::DeadLettered | Event::Redriven);
            let allowed = allowed && !(moves && carries);
            assert!(allowed, "{:?} of {:?}", row.event, row.message);
        }
    }
}

/// Crash after each commit: what was promised until then must be there, or have an end in the log.
fn check_every_prefix(run: &Run) {
    for commits in 0..=run.world.commits.len() {
        let mut disk = run.world.disk_after(commits);
        let known = disk.accounted_for();
        let mut restored = run.world.restored(disk.stored());
        restored.handle_timeout(run.world.now);
        restored.check_invariants();
        disk.catch_up(&mut restored);
        let due = run.promised.iter().filter(|(_, at)| **at <= commits);
        let lost = due.map(|(id, _)| id).find(|id| !known.contains(id));
        assert!(lost.is_none(), "{lost:?} is lost after {commits} commits");
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn every_index_follows_from_the_messages_and_the_log_tells_possible_stories(
        seed: u64,
        places in prop::option::of(1..4u64),
        steps in steps(),
    ) {
        let mut run = Run::new(seed, places);
        for step in &steps {
            // The invariants are checked after every input.
            run.step(step);
            check_logs(&mut run.world);
        }
    }

    #[test]
    fn calls_never_exceed_the_accounts_places(seed: u64, places in 1..4u64, steps in steps()) {
        let mut run = Run::new(seed, Some(places));
        for step in &steps {
            run.step(step);
            let carried = run.world.calls.iter().filter(|call| call.queue().is_none());
            // A crash forgets calls that consumers still work on.
            prop_assert!(carried.count() as u64 <= places);
        }
    }

    #[test]
    fn a_key_says_what_is_open_and_waits(seed: u64, places in prop::option::of(1..4u64), steps in steps()) {
        let mut run = Run::new(seed, places);
        for step in &steps {
            run.step(step);
            for key in KEYS {
                let before = run.world.started.len();
                let Ok(view) = run.world.try_flow(key) else { continue };
                if run.world.started.len() != before {
                    // A cancellation that is under way goes on with every input, and the view is older than what starts then.
                    continue;
                }
                let open = run.world.calls.iter().filter(|call| match &call.envelope {
                    qstash_mock_server::engine::Envelope::CarriedRules(envelope) => {
                        envelope.carried.flow_control.as_ref().is_some_and(|flow| &*flow.key == key)
                    }
                    _ => false,
                });
                prop_assert_eq!(view.calls as usize, open.count());
            }
        }
    }

    #[test]
    fn nothing_acknowledged_is_lost_wherever_it_crashes(
        seed: u64,
        places in prop::option::of(1..4u64),
        steps in steps(),
    ) {
        let mut run = Run::new(seed, places);
        for step in &steps {
            run.step(step);
        }
        check_every_prefix(&run);
    }

    #[test]
    fn every_message_ends_when_all_gates_open_and_consumers_recover(
        seed: u64,
        places in prop::option::of(1..4u64),
        steps in steps(),
    ) {
        let mut run = Run::new(seed, places);
        for step in &steps {
            run.step(step);
        }
        run.recover();
        for id in run.ids.clone() {
            if let Ok(Reply::Message(view)) = run.world.act(MessageAction::Get(id, Scope::CarriedRules)) {
                prop_assert_eq!(view.stage, Stage::Delivered);
            }
        }
    }

    #[test]
    fn the_same_seed_and_inputs_make_the_same_decisions(seed: u64, steps in steps()) {
        let runs = [(); 2].map(|()| {
            let mut run = Run::new(seed, Some(3));
            steps.iter().for_each(|step| run.step(step));
            (run.trace, format!("{:?}", run.world.started), run.world.commits)
        });
        let [first, second] = runs;
        prop_assert_eq!(first, second);
    }

    /// Windows against a model of four lines.
    #[test]
    fn starts_under_a_rate_are_those_of_fixed_windows(
        rate in 1..4u32,
        period in 1..20u64,
        waits in prop::collection::vec(0..9_000u64, 1..40),
    ) {
        let mut world = World::new(1);
        let (mut window, mut count) = (None::<Timestamp>, 0);
        let mut expected = vec![];
        for wait in waits {
            world.advance(millis(wait));
            world.send(flowing(to(A), "k", 0, rate, period));
            let mut at = expected.last().copied().unwrap_or(world.now).max(world.now);
            let end = window.map(|start| start + millis(period * 1000));
            if end.is_none_or(|end| at >= end) || count >= rate {
                at = end.map_or(at, |end| at.max(end));
                (window, count) = (Some(at), 0);
            }
            count += 1;
            expected.push(at);
        }
        world.advance(millis(60 * period * 1000));
        let started: Vec<_> = world.started.iter().map(|(at, _)| *at).collect();
        prop_assert_eq!(started, expected);
    }

    /// A queue of parallelism one against a list.
    #[test]
    fn a_queue_of_parallelism_one_is_first_in_first_out(fails in prop::collection::vec(0..4u32, 1..20)) {
        let mut world = World::new(1);
        let ids: Vec<_> = fails.iter().map(|_| world.send(through("q", A))).collect();
        let mut expected = vec![];
        for (id, fails) in ids.iter().zip(&fails) {
            expected.extend((0..=*fails).map(|_| *id));
            for left in (0..=*fails).rev() {
                prop_assert!(world.until_call());
                prop_assert_eq!(world.open(), [*id]);
                world.answer_next(if left == 0 { success() } else { failure() });
            }
        }
        prop_assert_eq!(world.order(), expected);
    }

    #[test]
    fn waits_of_an_expression_are_what_it_says(base in 0..5_000u32, step in 0..5_000u32, count in 0..5u32) {
        let mut world = World::new(1);
        let text = format!("{base} + {step} * retried");
        let delay = RetryDelay::parse(&text).map(std::sync::Arc::new).ok();
        let id = world.send(with(retries(to(A), count), |it| it.retry_delay = delay));
        world.always(&failure());
        let waits = (0..count).map(|retried| u128::from(base + step * retried));
        let times = waits.scan(0, |at, wait| {
            *at += wait;
            Some(*at)
        });
        let expected: Vec<u128> = [0].into_iter().chain(times).collect();
        prop_assert_eq!(world.called_at(id), expected);
    }

    #[test]
    fn an_id_stores_one_message_in_each_window(waits in prop::collection::vec(0..400_000u64, 1..40)) {
        let mut world = World::new(1);
        let mut first: Option<(Timestamp, MessageId)> = None;
        for wait in waits {
            let sent = world.send_one(keyed(to(A), "same"));
            match first {
                Some((at, id)) if world.now.since(at) < millis(600_000) => {
                    prop_assert_eq!((sent.id, sent.deduplicated), (id, true));
                }
                _ => {
                    prop_assert!(!sent.deduplicated);
                    first = Some((world.now, sent.id));
                }
            }
            world.advance(millis(wait));
        }
    }
}
