//! Pending messages: read, cancel one, cancel many (v2.md section 2.4).

use super::Answer;
use super::call::{Call, unexpected};
use super::error::Refusal;
use super::query::{self, Filter};
use super::wire;
use crate::engine::{MessageAction, MessageId, Reply, Scope, Selection};
use crate::text::parse_v2_message_id;
use axum::body::Body;

/// The values of `count`: how many messages a call asks to cancel at most.
const MOST_CANCELLED: usize = 500;

pub(super) async fn get(call: Call, id: String) -> Answer {
    match call
        .ask(MessageAction::Get(known(&id)?, Scope::CarriedRules))
        .await
        .map_err(|error| error.about("message", &id))?
    {
        Reply::Message(message) => Ok(wire::message(&message)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn cancel(call: Call, id: String) -> Answer {
    let action = MessageAction::Cancel(known(&id)?, Scope::CarriedRules);
    let answer = call.ask(action).await;
    match answer.map_err(|error| error.about("message", &id))? {
        Reply::Cancelled {
            cancelled: true, ..
        } => Ok(wire::count("cancelled", 1)),
        // The message is delivered, and only shown for a while.
        Reply::Cancelled { .. } => Err(Refusal::not_found("message", &id)),
        _ => Err(unexpected()),
    }
}

/// Cancels messages by ids in the body or the query, by filters, or all of them.
pub(super) async fn cancel_many(call: Call, body: Body) -> Answer {
    let query = query::of_cancel(call.query())?;
    let selection = match call.ids(body, &query, "messageIds").await? {
        Some(ids) => {
            let known = ids.iter().filter_map(|id| parse_v2_message_id(id));
            Selection::Ids(known.collect())
        }
        None => Selection::Filter {
            filter: Box::new(Filter::read(&query)?.into_engine()),
            count: query.count(MOST_CANCELLED)?,
        },
    };
    match call.ask(MessageAction::CancelMany(selection)).await? {
        Reply::Removed(count) => Ok(wire::count("cancelled", count)),
        _ => Err(unexpected()),
    }
}

/// Reads a message id. A text that cannot be an id names no message.
fn known(id: &str) -> Result<MessageId, Refusal> {
    parse_v2_message_id(id).ok_or_else(|| Refusal::not_found("message", id))
}
