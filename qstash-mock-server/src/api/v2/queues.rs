//! Queues (v2.md section 2.7).

use super::super::decode::{Object, boolean, integer, text};
use super::super::limits::Expected;
use super::Answer;
use super::call::{Call, unexpected};
use super::error::Refusal;
use super::publish::queue_name;
use super::wire;
use crate::engine::{Permission, QueueAction, QueueName, QueueView, Reply};
use axum::body::Body;

/// How many queues one command to the engine asks for.
const PAGE: usize = 1000;

pub(super) async fn put(call: Call, body: Body) -> Answer {
    let body = call.body(body, Expected::V2Json).await?;
    let object = Object::of_any_body(&body)?;
    let name = queue_name(&object.required("queueName", text)?)?;
    let action = QueueAction::Upsert {
        name,
        parallelism: object
            .nullable("parallelism", integer(1..=u32::MAX))?
            .unwrap_or(1),
        paused: object.nullable("paused", boolean)?.unwrap_or(false),
    };
    call.done(action).await
}

/// Lists all queues. A token that is limited to some queues is refused, unlike in v1, whose lists leave out the others.
pub(super) async fn list(call: Call) -> Answer {
    call.check_account(Permission::Manage)?;
    let mut all: Vec<QueueView> = Vec::new();
    loop {
        let action = QueueAction::List {
            prefix: String::new(),
            after: all.last().map(|queue| queue.name.as_str().to_owned()),
            limit: PAGE,
        };
        match call.ask(action).await? {
            Reply::Queues { queues, more } => {
                let more = more && !queues.is_empty();
                all.extend(queues);
                if !more {
                    return Ok(wire::queues(&all));
                }
            }
            _ => return Err(unexpected()),
        }
    }
}

pub(super) async fn get(call: Call, name: String) -> Answer {
    match call.ask(QueueAction::Get(known(&name)?)).await? {
        Reply::Queue(queue) => Ok(wire::queue(&queue)),
        _ => Err(unexpected()),
    }
}

/// Deletes a queue, which need not exist.
pub(super) async fn delete(call: Call, name: String) -> Answer {
    let Ok(known) = known(&name) else {
        return Ok(wire::empty());
    };
    match call.ask(QueueAction::Delete(known)).await {
        Ok(Reply::Removed(_)) => Ok(wire::empty()),
        Ok(_) => Err(unexpected()),
        Err(error) if error.is_not_found() => Ok(wire::empty()),
        Err(error) => Err(error),
    }
}

pub(super) async fn pause(call: Call, name: String, paused: bool) -> Answer {
    match call
        .ask(QueueAction::SetPaused(known(&name)?, paused))
        .await?
    {
        Reply::Queue(_) => Ok(wire::empty()),
        _ => Err(unexpected()),
    }
}

/// Reads the name of a queue. A text that cannot be a name names no queue.
fn known(name: &str) -> Result<QueueName, Refusal> {
    QueueName::parse(name).ok_or_else(|| Refusal::not_found("queue", name))
}
