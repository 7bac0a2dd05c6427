//! What a store keeps: entities and the bytes of bodies, commit by commit; and how bodies are read.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use qstash_mock_server::engine::{
    BodyChange, BodyId, BodySource, CallbackReport, Change, Engine, Entity, EntityKey, Event,
    MessageId, Sequence,
};

/// Everything that one input changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Commit {
    pub(crate) changes: Vec<Change>,
    pub(crate) bodies: Vec<BodyChange>,
}

impl Commit {
    /// What the engine has to be stored since it was last asked.
    pub(crate) fn of(engine: &mut Engine) -> Self {
        Self {
            changes: engine.take_changes(),
            bodies: engine.take_body_changes(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.bodies.is_empty()
    }
}

/// Entities by their names, and bodies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) entities: BTreeMap<EntityKey, Entity>,
    pub(crate) bodies: BTreeMap<BodyId, Bytes>,
}

impl Disk {
    /// What a disk holds that got these commits.
    pub(crate) fn after(commits: &[Commit]) -> Self {
        let mut disk = Self::default();
        for commit in commits {
            disk.add(commit);
            disk.drop_bodies(commit);
        }
        disk
    }

    /// Stores a commit, and keeps the bodies that it deletes: replies and effects of the same input may still name them.
    pub(crate) fn add(&mut self, commit: &Commit) {
        for change in &commit.changes {
            match change {
                Change::Put(entity) => drop(self.entities.insert(entity.key(), entity.clone())),
                Change::Delete(key) => drop(self.entities.remove(key)),
            }
        }
        for change in &commit.bodies {
            if let BodyChange::Put(id, bytes) = change {
                let first = self.bodies.insert(*id, bytes.clone()).is_none();
                assert!(first, "{id:?} is stored a second time");
            }
        }
    }

    /// Then drops the bodies that the commit deletes.
    pub(crate) fn drop_bodies(&mut self, commit: &Commit) {
        for change in &commit.bodies {
            if let BodyChange::Delete(id) = change {
                let known = self.bodies.remove(id).is_some();
                assert!(known, "{id:?} is gone, and was not there");
            }
        }
    }

    /// What an engine is restored from.
    pub(crate) fn stored(&self) -> impl Iterator<Item = Entity> {
        let bodies = self.bodies.keys().copied().map(Entity::Body);
        self.entities.values().cloned().chain(bodies)
    }

    /// Stores what an engine has changed. The disk then holds what the engine holds, and nothing else.
    pub(crate) fn catch_up(&mut self, engine: &mut Engine) {
        let commit = Commit::of(engine);
        self.add(&commit);
        self.drop_bodies(&commit);
        let (bodies, held) = held_by(engine);
        assert_eq!(self.entities, held, "the disk and the engine differ");
        assert_eq!(self.bodies.len(), bodies.len(), "they differ in bodies");
    }

    /// How many entities are of a kind.
    pub(crate) fn count(&self, is_one: impl Fn(&Entity) -> bool) -> usize {
        let entities = self.entities.values();
        entities.filter(|entity| is_one(entity)).count()
    }

    /// The messages that are not forgotten: what was published, and how far they have come.
    pub(crate) fn messages(&self) -> impl Iterator<Item = MessageId> {
        let state = |entity: &Entity| match entity {
            Entity::State(sequence, _) => Some(*sequence),
            _ => None,
        };
        let states = self.entities.values().filter_map(state);
        states.map(|sequence| self.message(sequence))
    }

    /// The messages that are not lost: they are there, listed as dead letters, or the log tells of their end.
    pub(crate) fn accounted_for(&self) -> BTreeSet<MessageId> {
        let told = self.entities.values().filter_map(|entity| match entity {
            Entity::Listed(entry) => Some(entry.message),
            Entity::Log(row) if is_end(row.event) => Some(row.message),
            _ => None,
        });
        let told = told.map(|sequence| self.message(sequence));
        self.messages().chain(told).collect()
    }

    /// The id of a message that something tells of.
    pub(crate) fn message(&self, sequence: Sequence) -> MessageId {
        match self.entities.get(&EntityKey::Spec(sequence)) {
            Some(Entity::Spec(spec)) => spec.id,
            other => panic!("{sequence:?} is told of and not stored: {other:?}"),
        }
    }

    /// Reads a body as whoever carries an answer out of the engine does.
    pub(crate) fn read(&self, source: &mut BodySource) {
        let bytes = match source {
            BodySource::Stored(id) => self.bytes_of(*id),
            BodySource::Callback(report) => {
                tell(report, &self.bytes_of(report.source.body.stored()))
            }
            BodySource::Bytes(_) => panic!("the engine never holds bytes"),
        };
        *source = BodySource::Bytes(bytes);
    }

    fn bytes_of(&self, id: BodyId) -> Bytes {
        let bytes = self.bodies.get(&id);
        bytes
            .unwrap_or_else(|| panic!("{id:?} is named and not stored"))
            .clone()
    }

    /// The engine has told of every change: what is stored is what it holds.
    pub(crate) fn check_against(&self, engine: &Engine) {
        let (bodies, held) = held_by(engine);
        let bodies: BTreeSet<_> = bodies.iter().map(Entity::key).collect();
        let stored = self.bodies.keys().copied().map(EntityKey::Body);
        assert_eq!(
            stored.collect::<BTreeSet<_>>(),
            bodies,
            "stored and named bodies"
        );
        for (key, entity) in &held {
            let stored = self.entities.get(key);
            assert_eq!(stored, Some(entity), "{key:?} is stored otherwise");
        }
        let forgotten = self.entities.keys().find(|key| !held.contains_key(key));
        assert!(forgotten.is_none(), "{forgotten:?} is stored and not held");
    }
}

/// The bodies that an engine names, and its other entities by their names.
fn held_by(engine: &Engine) -> (Vec<Entity>, BTreeMap<EntityKey, Entity>) {
    let is_body = |entity: &Entity| matches!(entity, Entity::Body(_));
    let (bodies, held): (Vec<_>, Vec<_>) = engine.entities().into_iter().partition(is_body);
    (bodies, held.into_iter().map(|it| (it.key(), it)).collect())
}

/// Whether nothing more happens to a message.
pub(crate) const fn is_end(event: Event) -> bool {
    matches!(event, Event::Delivered | Event::Failed | Event::Cancelled)
}

/// Everything that a report says, in a line: the test's writer of callbacks.
fn tell(report: &CallbackReport, source_body: &Bytes) -> Bytes {
    let status = report.response.as_ref().map(|response| response.status);
    let dead = report.dead_letter.map(|id| id.to_string());
    let carried = report
        .source
        .carried()
        .expect("only carried rules call back");
    let source = (report.source.id, &*carried.url, &**source_body);
    let error = report.error.as_deref();
    let end = (status, error, report.retried, carried.max_retries, dead);
    format!("{source:?} {end:?}").into()
}
