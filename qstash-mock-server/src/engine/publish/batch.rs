//! Publishing a batch: one input publishes only as many messages of it as [`Limits::publishes`] says, so that a long
//! batch does not delay other callers.
//!
//! [`Limits::publishes`]: crate::engine::config::Limits::publishes

use crate::engine::command::Action;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::Caller;
use crate::engine::model::publish::Publish;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

impl Engine {
    /// Publishes the beginning of a batch. The reply carries the command for the rest.
    pub(crate) fn publish_batch(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        batch: Vec<Publish>,
    ) -> Reply {
        let mut batch = batch.into_iter();
        let (mut results, mut made) = (vec![], 0);
        while made < self.config.limits.publishes
            && let Some(publish) = batch.next()
        {
            let result = self.publish(now, caller, publish);
            let messages = result.as_ref().map_or(1, |it| it.messages().len());
            made += messages.max(1);
            results.push(result);
        }
        let rest: Vec<_> = batch.collect();
        let rest = (!rest.is_empty()).then(|| Action::PublishBatch(rest).into());
        Reply::Batch { results, rest }
    }
}
