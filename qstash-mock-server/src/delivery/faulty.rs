//! The wrapper around the sender: it reports to the instruments what is sent, and carries out the faults of a plan.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use super::outcome::failed;
use super::payload::Payload;
use super::send::Deliverer;
use crate::engine::{Attempt, Outcome};
use crate::instruments::{Forgery, Instruments, Job, Plan, UnderWay};

/// How long a request that is to be overtaken waits for the next one.
const OVERTAKEN_WITHIN: Duration = Duration::from_secs(1);

/// Delivers jobs, with the faults that strike them.
pub(crate) struct FaultyTransport {
    deliverer: Deliverer,
    instruments: Arc<Instruments>,
}

impl FaultyTransport {
    pub(crate) fn new(instruments: Arc<Instruments>, deliverer: Deliverer) -> Self {
        Self {
            deliverer,
            instruments,
        }
    }

    /// Delivers a job, with the faults that strike it. Cancel safe as [`Deliverer::send`] is.
    pub(crate) async fn deliver(&self, job: &Job, body: &Bytes) -> Outcome {
        let outcome = match job.plan.as_deref() {
            None => self.send(job, body, None, false).await,
            // Boxed, so that the future of a delivery without faults is small.
            Some(plan) => Box::pin(self.deliver_badly(job, body, plan)).await,
        };
        let parking = &self.instruments.parking;
        self.instruments
            .overtaking
            .passed(&job.attempt, |held| parking.forget(held));
        outcome
    }

    async fn deliver_badly(&self, job: &Job, body: &Bytes, plan: &Plan) -> Outcome {
        let attempt = &job.attempt;
        if let Some(delay) = plan.delay {
            self.instruments.delay(attempt.id, delay).await;
        }
        if plan.reorder {
            self.let_overtake(attempt).await;
        }
        let outcome = self
            .send(job, body, plan.forgery, plan.reset_mid_body)
            .await;
        if plan.duplicate {
            self.send_again(job, body, plan.forgery).await;
        }
        if let Some(slow) = plan.slow {
            self.instruments.delay(attempt.id, slow).await;
        }
        if plan.lose_answer {
            return failed("the answer was lost by a fault");
        }
        outcome
    }

    /// Sends the request of a job once more, as a delivery of its own. The second answer does not matter to the
    /// attempt, nor when it comes: the consumer has answered, and the attempt must not become late if the consumer
    /// waits for the server's clock.
    async fn send_again(&self, job: &Job, body: &Bytes, forgery: Option<Forgery>) {
        let Instruments {
            captured,
            clock,
            parking,
            ..
        } = &*self.instruments;
        let record = job.record.as_deref();
        let record = record.map(|first| captured.begin_duplicate(first, clock.now()));
        let again = Job {
            record,
            ..job.clone()
        };
        let unparked = parking.refuse(job.attempt.id);
        let outcome = tokio::select! {
            outcome = self.send(&again, body, forgery, false) => Some(outcome),
            () = unparked.called() => None,
        };
        if let Some(record) = &again.record {
            captured.end(record, outcome, clock.now());
        }
    }

    async fn send(
        &self,
        job: &Job,
        body: &Bytes,
        forgery: Option<Forgery>,
        broken: bool,
    ) -> Outcome {
        let attempt = &job.attempt;
        let signed_at = self.instruments.signature_time(attempt.started_at);
        let signed_at = forgery.map_or(signed_at, |forgery| forgery.time(signed_at));
        let signature = match self.deliverer.sign(attempt, body, signed_at) {
            Ok(signature) => forged(signature, forgery),
            Err(outcome) => return outcome,
        };
        let payload = if broken {
            Payload::half(body)
        } else {
            Payload::whole(body.clone())
        };
        let request = match self.deliverer.request(attempt, &signature, payload) {
            Ok(request) => request,
            Err(outcome) => return outcome,
        };
        let _announced = self.instruments.parking.announce(
            request.headers(),
            UnderWay {
                attempt: attempt.id,
                account: attempt.account.clone(),
            },
        );
        let mut answer = HeaderMap::new();
        if let Some(record) = &job.record {
            // Fails for a duplicate, whose record has it already.
            let _ = record.signature.set(signature);
        }
        let outcome = self
            .deliverer
            .send(attempt, request, &mut answer, &self.instruments.clock)
            .await;
        if let Some(record) = &job.record {
            record.answered(answer);
        }
        outcome
    }

    /// Waits until the next attempt to the same URL is over.
    async fn let_overtake(&self, attempt: &Attempt) {
        let turn = self.instruments.overtaking.hold(attempt);
        tokio::select! {
            () = self.instruments.delay(attempt.id, OVERTAKEN_WITHIN) => {}
            () = turn.over() => {}
        }
    }
}

/// The signature, or a wrong one of the same form.
fn forged(signature: String, forgery: Option<Forgery>) -> String {
    match forgery {
        None | Some(Forgery::Skewed { .. }) => signature,
        Some(Forgery::Bad) => {
            // The first character of the HMAC, in hex or in base64: a lenient decoder ignores bits of the last one.
            let at = signature.rfind('.').map_or(0, |dot| dot + 1);
            let (start, hmac) = signature.split_at(at);
            let other = if hmac.starts_with('0') { '1' } else { '0' };
            let rest: String = hmac.chars().skip(1).collect();
            format!("{start}{other}{rest}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_signature_is_wrong_for_decoders_that_ignore_the_last_bits_too() {
        // These end base64 of 32 bytes: each stands for four bits, and two more that decoders may ignore.
        for last in "AEIMQUYcgkosw048".chars() {
            for first in ['0', '1', 'a'] {
                for start in ["", "head.payload."] {
                    let honest = format!("{start}{first}HMAC{last}");
                    let bad = forged(honest.clone(), Some(Forgery::Bad));
                    assert_eq!(
                        (bad.len(), bad.find("HMAC")),
                        (honest.len(), honest.find("HMAC"))
                    );
                    assert!(bad.starts_with(start) && bad.ends_with(last), "{bad}");
                    assert_ne!(bad, honest);
                    assert_eq!(forged(honest.clone(), None), honest);
                }
            }
        }
    }
}
