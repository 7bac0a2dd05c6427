#![doc = include_str!("../docs/actix.md")]

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::{JsonPayloadError, PayloadError};
use actix_web::http::StatusCode;
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use bytes::Bytes;

use crate::{OwnedDelivery, RequestHead, Verifier, VerifyError};

/// Verifies a request, then extracts `T` from it: `Verified<web::Json<T>>`, `Verified<web::Bytes>`, `Verified<String>`,
/// or anything else that actix-web extracts.
///
/// The verifier comes from `app_data`, as `web::Data<Verifier>`; that of the nearest scope counts. The extractor reads
/// the body up to the verifier's limit and verifies it before `T` sees anything of it. Limits of `T` itself
/// (`JsonConfig`, `PayloadConfig`) hold too, and are lower by default; [`configure`] sets them to the verifier's. `T`
/// can be a tuple with [`OwnedDelivery`]: `Verified<(OwnedDelivery, web::Json<T>)>`.
///
/// A bare [`Verifier`] in `app_data`, at whatever level, is a mistake of the program: every request is answered 500.
/// For actix-web it is another type than `web::Data<Verifier>`, and actix-web does not tell which of two types is
/// nearer.
#[derive(Clone, Copy, Debug)]
pub struct Verified<T>(pub T);

impl<T: FromRequest + 'static> FromRequest for Verified<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        // What an outer verifier let through is not yet verified by this one. actix-web starts the extractors of a
        // handler one after the other, so this happens before any that comes after it looks.
        request.extensions_mut().remove::<OwnedDelivery>();
        let body = web::Payload::from_request(&request, payload);
        Box::pin(async move {
            let verifier = verifier(&request)?;
            let body = match verify(&verifier, &request, body.await?).await {
                Ok(body) => body,
                Err(reason) => {
                    let head = Head::of(&request, |_| verifier.has_rejection_response());
                    let answer = Answer::Ours(verifier.reject(reason.clone(), head.borrow()));
                    return Err(Rejection { reason, answer }.into());
                }
            };
            T::from_request(&request, &mut Payload::from(body))
                .await
                .map(Self)
                .map_err(|error| undecodable(&verifier, &request, error.into()))
        })
    }
}

/// Sets up an `App` or a scope: adds the verifier, and raises the limits of `web::Json`, `web::Form`, `web::Bytes` and
/// `String` to the verifier's. By default actix-web reads 256 KiB of text or bytes and 2 MiB of JSON, which is less
/// than a callback may have.
///
/// The limits hold for all handlers of the `App` or scope, also for those that do not verify.
///
/// ```
/// use actix_web::{App, web};
/// use qstash_verify::Verifier;
/// use qstash_verify::actix::configure;
///
/// let verifier = Verifier::builder().secret("the secret of our account").build()?;
/// let app = App::new().service(web::scope("/hooks").configure(configure(verifier)));
/// # let _ = app;
/// # Ok::<(), qstash_verify::ConfigError>(())
/// ```
pub fn configure(verifier: Verifier) -> impl FnOnce(&mut web::ServiceConfig) + Clone {
    move |config| {
        let limit = verifier.body_limit();
        config
            .app_data(web::JsonConfig::default().limit(limit))
            .app_data(web::FormConfig::default().limit(limit))
            .app_data(web::PayloadConfig::new(limit))
            .app_data(Data::new(verifier));
    }
}

/// Returns the verifier of the nearest scope that has one. This is the only place that looks for it.
///
/// actix-web looks for one type in all levels, from the nearest outwards. With two types it would not tell which level
/// has which, so a verifier of an outer level could be taken for that of an inner one. So there is one type.
fn verifier(request: &HttpRequest) -> Result<Verifier, Unconfigured> {
    let found = match request.app_data::<Data<Verifier>>() {
        _ if request.app_data::<Verifier>().is_some() => Err(Unconfigured::Bare),
        Some(verifier) => Ok(Verifier::clone(verifier)),
        None => Err(Unconfigured::Missing),
    };
    found.inspect_err(|error| tracing::error!("{error}"))
}

/// Reads and verifies the body, and puts the delivery into the request's extensions.
async fn verify(
    verifier: &Verifier,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<Bytes, VerifyError> {
    let limit = verifier.body_limit();
    let body = body
        .to_bytes_limited(limit)
        .await
        .map_err(|_| VerifyError::BodyTooLarge { limit })?
        .map_err(|error| match error.as_error() {
            Some(PayloadError::Overflow) => VerifyError::BodyTooLargeInFront,
            _ => VerifyError::UnreadableBody,
        })?;
    let head = Head::of(request, |name| {
        name.starts_with("qstash-") || name.starts_with("upstash-")
    });
    let delivery = verifier.verify(head.borrow(), &body, verifier.now())?;
    request.extensions_mut().insert(delivery.into_owned());
    Ok(body)
}

/// What a verifier reads, in the types of today's `http` crate; actix-web has those of its last version.
struct Head {
    method: http::Method,
    target: String,
    headers: http::HeaderMap,
}

impl Head {
    /// Copies the head of a request, of its headers those that are `wanted`.
    fn of(request: &HttpRequest, wanted: impl Fn(&str) -> bool) -> Self {
        let mut headers = http::HeaderMap::new();
        for (name, value) in request.headers() {
            let name = name.as_str();
            if !wanted(name) {
                continue;
            }
            // Both versions take the same values. Should there be any that this one does not take, it stays there and
            // fits nothing.
            let value = http::HeaderValue::from_bytes(value.as_bytes())
                .unwrap_or_else(|_| http::HeaderValue::from_static(""));
            if let Ok(name) = http::HeaderName::try_from(name) {
                headers.append(name, value);
            }
        }
        let method = request.method().as_str().as_bytes();
        let target = request.uri().path_and_query();
        Self {
            method: http::Method::from_bytes(method).unwrap_or_default(),
            target: target.map_or("/", |it| it.as_str()).to_owned(),
            headers,
        }
    }

    fn borrow(&self) -> RequestHead<'_> {
        RequestHead::new(&self.headers)
            .method(&self.method)
            .target(&self.target)
    }
}

/// Why a request did not reach its handler. Either it failed verification and is answered 401, 413 or 400; the default
/// answer does not tell why. Or it is verified, but not what the handler takes, and is answered 400 or 415; that answer
/// is the inner extractor's.
#[derive(Debug, thiserror::Error)]
#[error("the request was refused before its handler")]
pub struct Rejection {
    #[source]
    reason: VerifyError,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Ours(http::Response<Bytes>),
    Inner(actix_web::Error),
}

impl Rejection {
    /// Returns why the request was refused. The reason is also in the response's extensions.
    #[must_use]
    pub fn reason(&self) -> &VerifyError {
        &self.reason
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        match &self.answer {
            Answer::Ours(response) => {
                StatusCode::from_u16(response.status().as_u16()).unwrap_or(StatusCode::UNAUTHORIZED)
            }
            Answer::Inner(error) => error.as_response_error().status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = match &self.answer {
            Answer::Ours(ours) => {
                let mut response = HttpResponse::build(self.status_code());
                for (name, value) in ours.headers() {
                    response.append_header((name.as_str(), value.as_bytes()));
                }
                response.body(ours.body().clone())
            }
            Answer::Inner(error) => error.error_response(),
        };
        response.extensions_mut().insert(self.reason.clone());
        response
    }
}

/// Makes the rejection of `T`, which keeps `T`'s own answer if none is configured. actix-web answers 400 to a content
/// type other than JSON; 415 says what is wrong.
fn undecodable(
    verifier: &Verifier,
    request: &HttpRequest,
    error: actix_web::Error,
) -> actix_web::Error {
    let error = match error.as_error() {
        Some(JsonPayloadError::ContentType) => WrongContentType.into(),
        _ => error,
    };
    let status = error.as_response_error().status_code().as_u16();
    if status == 413 {
        tracing::warn!(
            "a verified body is over the limit of `JsonConfig` or `PayloadConfig`; `qstash_verify::actix::configure` \
             sets them to the verifier's"
        );
    }
    let Some(reason) = crate::reject::undecodable(status, error.to_string()) else {
        return error;
    };
    let head = Head::of(request, |_| verifier.has_rejection_response());
    let configured = verifier.configured_rejection(&reason, &head.borrow());
    let answer = configured.map_or(Answer::Inner(error), Answer::Ours);
    Rejection { reason, answer }.into()
}

#[derive(Debug, thiserror::Error)]
#[error("the verified request's `Content-Type` is not JSON")]
struct WrongContentType;

impl ResponseError for WrongContentType {
    fn status_code(&self) -> StatusCode {
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    }
}

/// The program is put together wrongly.
#[derive(Debug, thiserror::Error)]
enum Unconfigured {
    #[error(
        "a handler extracts `Verified`, but its scopes have no verifier: add `.app_data(web::Data::new(verifier))`"
    )]
    Missing,
    #[error(
        "`app_data` has a bare `Verifier`, which cannot be told apart from one of an inner scope: wrap it, as in \
         `.app_data(web::Data::new(verifier))`"
    )]
    Bare,
}

impl ResponseError for Unconfigured {
    fn error_response(&self) -> HttpResponse {
        // The caller need not know how the program is put together.
        HttpResponse::InternalServerError().body("the service is not set up to verify requests")
    }
}

/// Works inside [`Verified`].
impl FromRequest for OwnedDelivery {
    type Error = Unverified;
    type Future = Ready<Result<Self, Unverified>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get().cloned().ok_or(Unverified))
    }
}

/// A handler asks for the delivery of a request that nobody verified. It is answered 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request was not verified: extract `Verified<(OwnedDelivery, _)>`")]
pub struct Unverified;

impl ResponseError for Unverified {}
