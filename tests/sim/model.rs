//! What v1.md says of pull queues, as naive as can be: vectors, full scans, one event at a time.
//!
//! Written from the contract and not from the engine. Messages are their index, times milliseconds.

use qstash_mock_server::engine::{Counters, Stage};

pub(crate) const WINDOW: u64 = 600_000;
pub(crate) const RETENTION: u64 = 600_000;
/// Three queues: `WORK` dead-letters to `DEAD`; `PLAIN` stands alone.
pub(crate) const WORK: usize = 0;
pub(crate) const DEAD: usize = 1;
pub(crate) const QUEUES: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotFound,
    NotLeased,
    LeaseLost,
}

#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) queue: usize,
    pub(crate) stage: Stage,
    /// When the delay, the lease or the retention is over.
    pub(crate) until: u64,
    due: u64,
    pub(crate) attempts: u32,
    pub(crate) leases: usize,
    max_retries: Option<u32>,
    pub(crate) died_in: Option<usize>,
    pub(crate) forgotten: bool,
}

/// A long poll, which takes one message.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    who: usize,
    queue: usize,
    until: u64,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) now: u64,
    pub(crate) letters: Vec<Letter>,
    keys: Vec<(usize, u8, usize, u64)>,
    waiting: Vec<Waiting>,
    paused: [bool; QUEUES],
    pub(crate) counters: [Counters; QUEUES],
    max_retries: u32,
    visibility: u64,
    /// Long polls that ended: who, and with what.
    pub(crate) answers: Vec<(usize, Option<usize>)>,
}

impl Model {
    pub(crate) fn new(max_retries: u32, visibility: u64) -> Self {
        Self {
            max_retries,
            visibility,
            ..Self::default()
        }
    }

    pub(crate) fn publish(
        &mut self,
        queue: usize,
        delay: u64,
        key: Option<u8>,
        max_retries: Option<u32>,
    ) -> (usize, bool) {
        let known = self.keys.iter().find(|k| Some(k.1) == key && k.0 == queue);
        if let Some(&(_, _, first, _)) = known {
            self.counters[queue].deduplicated += 1;
            return (first, true);
        }
        let id = self.letters.len();
        let stage = [Stage::Delayed, Stage::Ready][usize::from(delay == 0)];
        self.letters.push(Letter {
            queue,
            stage,
            until: self.now + delay,
            due: self.now + delay,
            attempts: 0,
            leases: 0,
            max_retries,
            died_in: None,
            forgotten: false,
        });
        self.keys
            .extend(key.map(|key| (queue, key, id, self.now + WINDOW)));
        self.counters[queue].published += 1;
        self.serve();
        (id, false)
    }

    pub(crate) fn receive(&mut self, queue: usize, max: usize, visibility: u64) -> Vec<usize> {
        (0..max)
            .map_while(|_| self.hand_out(queue, visibility))
            .collect()
    }

    /// True if it has to wait.
    pub(crate) fn wait(&mut self, who: usize, queue: usize, wait: u64) -> bool {
        let until = self.now + wait;
        self.waiting.push(Waiting { who, queue, until });
        self.serve();
        self.waiting.iter().any(|waiting| waiting.who == who)
    }

    fn hand_out(&mut self, queue: usize, visibility: u64) -> Option<usize> {
        if self.paused[queue] {
            return None;
        }
        let ready = (0..self.letters.len()).filter(|id| {
            self.letters[*id].queue == queue && self.letters[*id].stage == Stage::Ready
        });
        let first = ready.min_by_key(|id| (self.letters[*id].due, *id))?;
        let letter = &mut self.letters[first];
        self.counters[queue].retried += u64::from(letter.attempts > 0);
        letter.attempts += 1;
        letter.leases += 1;
        letter.stage = Stage::Leased;
        letter.until = self.now + visibility;
        Some(first)
    }

    /// Gives what is ready to those who wait, in the order they came.
    fn serve(&mut self) {
        for waiting in self.waiting.clone() {
            if let Some(id) = self.hand_out(waiting.queue, self.visibility) {
                self.waiting.retain(|other| other.who != waiting.who);
                self.answers.push((waiting.who, Some(id)));
            }
        }
    }

    fn held(&mut self, id: usize, lease: Option<usize>) -> Result<&mut Letter, Refusal> {
        let letter = &mut self.letters[id];
        let leased = letter.stage == Stage::Leased;
        match lease {
            _ if letter.forgotten => Err(Refusal::NotFound),
            Some(lease) if !leased || lease != letter.leases => Err(Refusal::LeaseLost),
            None if !leased => Err(Refusal::NotLeased),
            _ => Ok(letter),
        }
    }

    pub(crate) fn extend(
        &mut self,
        id: usize,
        lease: Option<usize>,
        by: u64,
    ) -> Result<u64, Refusal> {
        let until = self.now + by;
        self.held(id, lease)?.until = until;
        if by == 0 {
            self.end_lease(id, 0);
            self.serve();
        }
        Ok(until)
    }

    pub(crate) fn acknowledge(&mut self, id: usize, lease: Option<usize>) -> Result<(), Refusal> {
        self.held(id, lease)?;
        self.finish(id, Stage::Delivered);
        Ok(())
    }

    pub(crate) fn release(
        &mut self,
        id: usize,
        lease: Option<usize>,
        delay: u64,
    ) -> Result<(), Refusal> {
        self.held(id, lease)?;
        self.end_lease(id, delay);
        self.serve();
        Ok(())
    }

    /// A failed attempt: visible again after the delay, or out of retries.
    fn end_lease(&mut self, id: usize, delay: u64) {
        let now = self.now;
        let letter = &mut self.letters[id];
        let used_up = letter.attempts > letter.max_retries.unwrap_or(self.max_retries);
        if !used_up || letter.queue == DEAD {
            letter.stage = [Stage::Delayed, Stage::Ready][usize::from(delay == 0)];
            letter.until = now + delay;
        } else if letter.queue == WORK {
            letter.died_in = Some(WORK);
            self.counters[WORK].dead_lettered += 1;
            self.join(id, DEAD);
        } else {
            self.finish(id, Stage::Failed);
        }
    }

    /// Becomes an ordinary member of another queue.
    fn join(&mut self, id: usize, queue: usize) {
        let letter = &mut self.letters[id];
        letter.queue = queue;
        letter.stage = Stage::Ready;
        letter.attempts = 0;
        letter.due = self.now;
    }

    fn finish(&mut self, id: usize, stage: Stage) {
        let letter = &mut self.letters[id];
        letter.stage = stage;
        letter.until = self.now + RETENTION;
        let counters = &mut self.counters[letter.queue];
        match stage {
            Stage::Delivered => counters.delivered += 1,
            Stage::Failed => counters.failed += 1,
            _ => counters.cancelled += 1,
        }
    }

    pub(crate) fn cancel(&mut self, id: usize) -> Result<bool, Refusal> {
        if self.letters[id].forgotten {
            return Err(Refusal::NotFound);
        }
        let open = !self.letters[id].stage.is_finished();
        if open {
            self.finish(id, Stage::Cancelled);
        }
        Ok(open)
    }

    pub(crate) fn purge(&mut self, queue: usize) -> usize {
        let all = 0..self.letters.len();
        let mine: Vec<_> = all
            .filter(|id| self.letters[*id].queue == queue)
            .filter(|id| !self.letters[*id].stage.is_finished())
            .collect();
        for id in &mine {
            self.finish(*id, Stage::Cancelled);
        }
        mine.len()
    }

    /// Sends dead letters that wait back to where they died, those first that were published first.
    pub(crate) fn redrive(&mut self, max: Option<usize>) -> usize {
        let waits = |letter: &Letter| matches!(letter.stage, Stage::Ready | Stage::Delayed);
        let back: Vec<_> = (0..self.letters.len())
            .filter(|id| self.letters[*id].queue == DEAD && waits(&self.letters[*id]))
            .filter(|id| self.letters[*id].died_in.is_some())
            .take(max.unwrap_or(usize::MAX))
            .collect();
        for id in &back {
            let source = self.letters[*id].died_in.take().expect("a dead letter");
            self.join(*id, source);
        }
        self.serve();
        back.len()
    }

    pub(crate) fn pause(&mut self, queue: usize, paused: bool) {
        self.paused[queue] = paused;
        self.serve();
    }

    /// Leases and messages outlive a crash; counters and connections do not.
    pub(crate) fn crash(&mut self) {
        self.counters = Default::default();
        self.waiting.clear();
    }

    pub(crate) fn advance(&mut self, by: u64) {
        let end = self.now + by;
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            self.now = at;
            self.happen();
        }
        self.now = end;
    }

    fn next_event(&self) -> Option<u64> {
        let timed = |letter: &&Letter| !letter.forgotten && !matches!(letter.stage, Stage::Ready);
        let letters = self.letters.iter().filter(timed).map(|it| it.until);
        let waits = self.waiting.iter().map(|waiting| waiting.until);
        letters
            .chain(waits)
            .chain(self.keys.iter().map(|key| key.3))
            .min()
    }

    /// Everything that this very millisecond makes due; then those who wait are served.
    fn happen(&mut self) {
        let now = self.now;
        self.keys.retain(|key| key.3 > now);
        for id in 0..self.letters.len() {
            let letter = &mut self.letters[id];
            match letter.stage {
                _ if letter.until > now || letter.forgotten => {}
                Stage::Delayed => letter.stage = Stage::Ready,
                Stage::Leased => {
                    self.counters[letter.queue].expired_leases += 1;
                    self.end_lease(id, 0);
                }
                stage => letter.forgotten = stage.is_finished(),
            }
        }
        self.serve();
        let over = |waiting: &Waiting| waiting.until <= now;
        let done = self
            .waiting
            .iter()
            .filter(|it| over(it))
            .map(|it| (it.who, None));
        self.answers.extend(done);
        self.waiting.retain(|waiting| !over(waiting));
    }
}
