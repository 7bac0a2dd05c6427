//! The same consumer under axum, actix-web and plain tower on hyper, each behind a real socket.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use qstash_verify::{OwnedDelivery, Verifier, VerifyError};

/// What a consumer is served by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
    Tower,
}

pub(crate) const ALL: [Framework; 3] = [Framework::Axum, Framework::Actix, Framework::Tower];

/// Serves `POST /orders`, which answers `<attempt> <order_id>` of a verified `{"order_id": n}`. The reason in the
/// extensions of an answer is told in its header `x-reason`.
pub(crate) async fn serve(framework: Framework, verifier: Verifier) -> SocketAddr {
    match framework {
        Framework::Axum => axum(verifier).await,
        Framework::Actix => actix(verifier),
        Framework::Tower => tower(verifier).await,
    }
}

#[derive(serde::Deserialize)]
struct Order {
    order_id: u32,
}

fn answer(delivery: &OwnedDelivery, order: &Order) -> String {
    let attempt = delivery.attempt().unwrap_or_default();
    format!("{attempt} {}", order.order_id)
}

/// What a middleware outside of ours can do: read the typed reason.
fn tell_reason<B>(mut response: Response<B>) -> Response<B> {
    if let Some(reason) = response.extensions().get::<VerifyError>() {
        let reason = reason.to_string().parse().unwrap();
        response.headers_mut().insert("x-reason", reason);
    }
    response
}

async fn axum(verifier: Verifier) -> SocketAddr {
    use axum::{Json, Router, routing::post};
    use qstash_verify::axum::Verified;

    let handler = async |Verified((delivery, Json(order))): Verified<(OwnedDelivery, Json<_>)>| {
        answer(&delivery, &order)
    };
    let app = Router::new().route("/orders", post(handler));
    let app = app
        .layer(::tower::util::MapResponseLayer::new(
            tell_reason::<axum::body::Body>,
        ))
        .with_state(verifier);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn actix(verifier: Verifier) -> SocketAddr {
    use actix_web::{App, HttpServer, web};
    use qstash_verify::actix::Verified;

    type Delivered = Verified<(OwnedDelivery, web::Json<Order>)>;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let handler =
                    async |Verified((delivery, order)): Delivered| answer(&delivery, &order);
                App::new()
                    .wrap(actix_web::middleware::from_fn(tell_reason_in_actix))
                    .app_data(web::Data::new(verifier.clone()))
                    .route("/orders", web::post().to(handler))
            };
            let server = HttpServer::new(app)
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
            sender.send(server.addrs()[0]).unwrap();
            server.run().await
        })
    });
    receiver.recv().unwrap()
}

async fn tell_reason_in_actix(
    request: actix_web::dev::ServiceRequest,
    next: actix_web::middleware::Next<impl actix_web::body::MessageBody>,
) -> Result<actix_web::dev::ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
    let mut response = next.call(request).await?;
    let reason = response
        .response()
        .extensions()
        .get()
        .map(VerifyError::to_string);
    if let Some(reason) = reason {
        let name = actix_web::http::header::HeaderName::from_static("x-reason");
        response.headers_mut().insert(name, reason.parse().unwrap());
    }
    Ok(response)
}

async fn tower(verifier: Verifier) -> SocketAddr {
    use qstash_verify::tower::VerifyLayer;

    let handler = async |request: Request<Full<Bytes>>| {
        let delivery: &OwnedDelivery = request.extensions().get().unwrap();
        let delivery = delivery.clone();
        let body = http_body_util::BodyExt::collect(request.into_body()).await;
        let body = body.unwrap().to_bytes();
        let order = serde_json::from_slice(&body).unwrap();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(answer(
            &delivery, &order,
        ))))
    };
    let service = ::tower::ServiceBuilder::new()
        .layer(::tower::util::MapResponseLayer::new(tell_reason))
        .layer(VerifyLayer::new(verifier))
        .service_fn(handler);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper_util::service::TowerToHyperService::new(service.clone());
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(async move {
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(stream, service)
                    .await
            });
        }
    });
    address
}
