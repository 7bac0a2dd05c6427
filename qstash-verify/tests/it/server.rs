//! The same consumer under axum, actix-web and plain tower on hyper, each behind a real socket.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use qstash_verify::{OwnedDelivery, Verifier};

/// What a consumer is served by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
    Tower,
}

pub(crate) const ALL: [Framework; 3] = [Framework::Axum, Framework::Actix, Framework::Tower];

/// Serves `POST /orders`, which answers `<attempt> <order_id>` of a verified `{"order_id": n}`.
pub(crate) async fn serve(framework: Framework, verifier: Verifier) -> SocketAddr {
    match framework {
        Framework::Axum => axum(verifier).await,
        Framework::Actix => actix(verifier),
        Framework::Tower => tower(verifier).await,
    }
}

fn answer(delivery: &OwnedDelivery, order: &serde_json::Value) -> String {
    let attempt = delivery.attempt().unwrap_or_default();
    format!("{attempt} {}", order["order_id"])
}

async fn axum(verifier: Verifier) -> SocketAddr {
    use axum::{Json, Router, routing::post};
    use qstash_verify::axum::Verified;

    let handler = async |Verified((delivery, Json(order))): Verified<(OwnedDelivery, Json<_>)>| {
        answer(&delivery, &order)
    };
    let app = Router::new().route("/orders", post(handler));
    let app = app.with_state(verifier);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn actix(verifier: Verifier) -> SocketAddr {
    use actix_web::{App, HttpServer, web};
    use qstash_verify::actix::Verified;

    type Order = Verified<(OwnedDelivery, web::Json<serde_json::Value>)>;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let handler = async |Verified((delivery, order)): Order| answer(&delivery, &order);
                App::new()
                    .app_data(verifier.clone())
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
