//! The state that every handler gets.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;

use super::admin::Shelf;
use super::auth::Authenticator;
use super::body::{Bodies, Body};
use super::error::ApiError;
use super::limits::{Expected, Limits};
use crate::driver::Driver;
use crate::engine::{Action, Caller, Command, Reply, Secret};

/// The parts of a server that handlers need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState(Arc<Shared>);

struct Shared {
    driver: Driver,
    authenticator: Authenticator,
    limits: Limits,
    bodies: Bodies,
    prometheus: bool,
    control: Control,
}

/// The settings of test control.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) on: bool,
    pub(crate) token: Option<Secret>,
    /// Whether a token secret is configured.
    pub(crate) secured: bool,
    /// Whether the clock skips idle time.
    pub(crate) auto: bool,
    pub(super) shelf: Shelf,
}

impl Control {
    pub(crate) fn new(on: bool, token: Option<Secret>, secured: bool, auto: bool) -> Self {
        Self {
            on,
            token,
            secured,
            auto,
            shelf: Shelf::default(),
        }
    }
}

impl ApiState {
    /// `prometheus`: whether `GET /metrics` is served beside the API, without a token.
    pub(crate) fn new(
        driver: Driver,
        authenticator: Authenticator,
        limits: Limits,
        prometheus: bool,
        control: Control,
    ) -> Self {
        Self(Arc::new(Shared {
            driver,
            authenticator,
            limits,
            bodies: Bodies::new(limits),
            prometheus,
            control,
        }))
    }

    pub(super) fn prometheus(&self) -> bool {
        self.0.prometheus
    }

    pub(super) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    pub(super) fn driver(&self) -> &Driver {
        &self.0.driver
    }

    pub(super) fn control(&self) -> &Control {
        &self.0.control
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The body of a request; see [`Bodies::read`].
    pub(super) async fn body(
        &self,
        request: Request,
        expected: Expected,
    ) -> Result<Body<'_>, ApiError> {
        self.0.bodies.read(request, expected).await
    }

    pub(super) fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }

    pub(super) async fn call(
        &self,
        caller: Arc<Caller>,
        action: impl Into<Action>,
    ) -> Result<Reply, ApiError> {
        let action = action.into();
        let command = Command { caller, action };
        Ok(self.0.driver.call(command).await?)
    }
}

/// The address that a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);
