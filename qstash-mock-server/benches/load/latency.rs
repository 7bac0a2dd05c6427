//! From publish to receipt, one message at a time: (d) against (c).

use std::time::Instant;

use crate::Plan;
use crate::consumer::Consumer;
use crate::deliver::{relay, webhook};
use crate::report::{self, micros, percentile, ratios};
use crate::wire::Connection;

pub(crate) async fn against_relay(plan: &Plan) {
    report::heading("publish to receipt, one at a time: (d) signed webhooks, (c) a toy relay");
    let consumer = Consumer::start().await;
    let (relayer, to_toy) = relay(&consumer);
    let (server, to_server) = webhook(&consumer).await;
    let mut toy = Connection::open(relayer.address)
        .await
        .expect("a connection");
    let mut carried = Connection::open(server.address)
        .await
        .expect("a connection");
    let (mut middles, mut tails) = (vec![], vec![]);
    for _ in 0..plan.rounds {
        // Turn about, so that both meet the same disturbances.
        let (mut c, mut d) = (vec![], vec![]);
        for _ in 0..plan.singles {
            c.push(one(&mut toy, &to_toy, &consumer).await);
            d.push(one(&mut carried, &to_server, &consumer).await);
        }
        let at = |times: &[f64], share| percentile(times.iter().copied(), share);
        middles.push((at(&c, 0.5), at(&d, 0.5)));
        tails.push((at(&c, 0.99), at(&d, 0.99)));
    }
    for (name, rounds, aim) in [
        ("p50", &middles, "aim: <= 1.3"),
        ("p99", &tails, "aim: <= 2"),
    ] {
        let c = report::median(rounds.iter().map(|it| it.0));
        let d = report::median(rounds.iter().map(|it| it.1));
        report::line(format!("{name}: c, d (us)"), format!("{c:.0}, {d:.0}"), "");
        let shares: Vec<f64> = rounds.iter().map(|(c, d)| d / c).collect();
        ratios(format!("{name}: d / c"), &shares, aim);
    }
}

/// Microseconds from the publish to its receipt.
async fn one(connection: &mut Connection, request: &[u8], consumer: &Consumer) -> f64 {
    let (before, start) = (consumer.count(), Instant::now());
    let receipt = async {
        consumer.reaches(before + 1).await;
        start.elapsed()
    };
    let (_, time) = tokio::join!(connection.succeed(request), receipt);
    micros(time)
}
