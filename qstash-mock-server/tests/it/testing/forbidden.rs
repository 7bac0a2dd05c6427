//! Deliveries that cannot go where they should: the error says what to do.

use qstash_mock_server::testing::Delivery;
use qstash_mock_server::{DeliveryScope, MockServer, MockServerBuilder, Route};
use reqwest::Method;

use super::start;

async fn error(builder: MockServerBuilder, url: &str) -> String {
    let api = start(builder).await;
    let publish = api.request(Method::POST, &format!("/v2/publish/{url}"));
    let published = publish.header("Upstash-Retries", "0").send().await;
    assert_eq!(published.unwrap().status(), 201);
    let seen = api.server.deliveries().wait_for(1).await.unwrap();
    seen.last().and_then(Delivery::error).unwrap().to_owned()
}

#[tokio::test]
async fn a_forbidden_address_names_the_route_and_the_scope_once() {
    let url = "https://user:s3cret@192.0.2.1:443/hook?k=s3cret";
    assert_eq!(
        error(MockServer::builder(), url).await,
        "deliveries may only go to loopback addresses, and 192.0.2.1 is none of them: send such deliveries to a consumer \
         on this computer, for example with `--route https://192.0.2.1=http://127.0.0.1:3000` (in process: \
         `builder().route(..)`), or allow the address with `--deliver any` (`builder().deliver(..)`)"
    );
    let private = error(MockServer::builder(), "http://10.0.0.1:8080/hook").await;
    assert!(
        private.contains("`--route http://10.0.0.1:8080=http://127.0.0.1:3000`"),
        "{private}"
    );
    assert!(private.contains("`--deliver local`"), "{private}");
    let local = MockServer::builder().deliver(DeliveryScope::Local);
    let public = error(local, "http://[2001:db8::1]/hook").await;
    let says = "deliveries may only go to loopback and private addresses, and 2001:db8::1 is none of them: ";
    assert!(public.starts_with(says), "{public}");
    assert!(
        public.contains("`--route http://[2001:db8::1]="),
        "{public}"
    );
}

#[tokio::test]
async fn a_route_that_leads_to_a_forbidden_address_is_to_be_changed() {
    let route = Route::new("https://app.example.com", "http://192.0.2.1").unwrap();
    let builder = MockServer::builder().route(route);
    assert_eq!(
        error(builder, "https://app.example.com/hook").await,
        "deliveries may only go to loopback addresses, and 192.0.2.1 is none of them: change the route of \
         https://app.example.com (`--route`; in process: `builder().route(..)`), or allow the address with `--deliver \
         any` (`builder().deliver(..)`)"
    );
}

#[tokio::test]
async fn a_name_without_an_address_names_the_route_once_and_no_scope() {
    // A name that nobody may register.
    let error = error(
        MockServer::builder(),
        "http://u:s3cret@app.invalid:8080/hook",
    )
    .await;
    assert!(
        error.starts_with("app.invalid cannot be resolved: "),
        "{error}"
    );
    let advice = ": send such deliveries to a consumer on this computer, for example with `--route \
                  http://app.invalid:8080=http://127.0.0.1:3000` (in process: `builder().route(..)`)";
    assert!(error.ends_with(advice), "{error}");
    assert!(
        !error.contains("--deliver") && !error.contains("s3cret"),
        "{error}"
    );
}

#[cfg(not(feature = "tls-no-provider"))]
#[tokio::test]
async fn a_build_without_tls_names_the_route_too() {
    assert_eq!(
        error(MockServer::builder(), "https://app.example.com/hook").await,
        "could not connect: https needs TLS, and this build of qstash-mock-server has none: turn on its feature `tls`; or \
         send such deliveries to a consumer on this computer, for example with `--route \
         https://app.example.com=http://127.0.0.1:3000` (in process: `builder().route(..)`)"
    );
}
