//! Which URL a token must be for.

use qstash_verify::{
    ConfigError, NewToken, RequestHead, SigningKey, Verifier, VerifierBuilder, VerifyError,
};

use crate::common::*;

fn keyed() -> VerifierBuilder {
    Verifier::builder().current_signing_key(CURRENT)
}

/// What a verifier under `origin` says to a token for `signed` that arrives at `called`.
fn derived(origin: &str, signed: &str, called: &str) -> Result<(), VerifyError> {
    check(
        &keyed().public_origin(origin).build().unwrap(),
        signed,
        called,
    )
}

fn check(verifier: &Verifier, signed: &str, called: &str) -> Result<(), VerifyError> {
    let key = SigningKey::new(CURRENT).unwrap();
    let token = NewToken::new(signed, NOW, "jwt_1").sign(&key, b"{}");
    let parts = with_token(&token);
    let head = RequestHead::new(&parts.headers).target(called);
    verifier.verify(head, b"{}", NOW).map(|_| ())
}

/// What may differ: the URL signed, and another spelling of it.
#[rustfmt::skip]
const ONE: &[(&str, &str)] = &[
    ("HTTPS://Shop.Example/orders", "https://shop.example/orders"),
    ("https://me:pass@shop.example/orders", "https://shop.example/orders"),
    ("https://me@shop.example/orders", "https://shop.example/orders"),
    ("https://me:p@ss@shop.example/orders", "https://shop.example/orders"),
    ("https://shop.example:443/orders", "https://shop.example/orders"),
    ("https://shop.example:/orders", "https://shop.example/orders"),
    ("http://shop.example:80/orders", "http://shop.example/orders"),
    ("http://shop.example:080/orders", "http://shop.example/orders"),
    ("https://[2001:DB8::1]:443/orders", "https://[2001:db8::1]/orders"),
    ("https://shop.example", "https://shop.example/"),
    ("https://shop.example?a=b", "https://shop.example/?a=b"),
    ("https://shop.example/orders#top", "https://shop.example/orders"),
    ("https://shop.example#top?a", "https://shop.example/"),
    ("https://shop.example/orders?", "https://shop.example/orders"),
    ("https://shop.example/a%2fb", "https://shop.example/a%2Fb"),
    ("https://shop.example/%7euser/%61", "https://shop.example/~user/a"),
    ("https://shop.example/a b", "https://shop.example/a%20b"),
    ("https://shop.example/é", "https://shop.example/%C3%A9"),
    ("https://shop.example/?a[]=b|c", "https://shop.example/?a%5B%5D=b%7cc"),
    ("https://shop.example/?a=b%20c", "https://shop.example/?a=b+c"),
    ("https://shop.example/?a=b c", "https://shop.example/?a=b+c"),
    ("https://shop.example/?100%", "https://shop.example/?100%"),
];

/// What must not differ.
#[rustfmt::skip]
const TWO: &[(&str, &str)] = &[
    ("https://shop.example/orders", "https://shop.example/Orders"),
    ("https://shop.example/orders", "https://shop.example/orders/"),
    ("https://shop.example/orders", "https://shop.example//orders"),
    ("https://shop.example/a/../orders", "https://shop.example/orders"),
    ("https://shop.example/orders?a", "https://shop.example/orders"),
    ("https://shop.example/orders?a&b", "https://shop.example/orders?b&a"),
    ("https://shop.example/orders?a=B", "https://shop.example/orders?a=b"),
    ("https://shop.example/a%2Fb", "https://shop.example/a/b"),
    ("https://shop.example/a%3Fb", "https://shop.example/a?b"),
    ("https://shop.example/a%23b", "https://shop.example/a"),
    ("https://shop.example/a%20b", "https://shop.example/a+b"),
    ("https://shop.example/?a=b%2Bc", "https://shop.example/?a=b+c"),
    ("https://shop.example/?a=%26b", "https://shop.example/?a=&b"),
    ("https://shop.example/%2561", "https://shop.example/%61"),
    ("https://shop.example.evil/orders", "https://shop.example/orders"),
    ("https://shop.example@evil/orders", "https://shop.example/orders"),
    ("https://evil\\@shop.example/orders", "https://shop.example/orders"),
    ("https://shop.example\\@evil/orders", "https://shop.example/orders"),
    ("https://shop.exampl", "https://shop.example/"),
    ("https://shop.examplé/orders", "https://shop.example/orders"),
    ("https://shop.ex%61mple/orders", "https://shop.example/orders"),
    ("https://shop.example./orders", "https://shop.example/orders"),
    ("https://shop.example:8443/orders", "https://shop.example/orders"),
    ("https://shop.example:65979/orders", "https://shop.example/orders"),
    ("https://shop.example:443x/orders", "https://shop.example/orders"),
    ("https://shop.example:80/orders", "https://shop.example/orders"),
    ("http://shop.example/orders", "https://shop.example/orders"),
    ("ftp://shop.example/orders", "https://shop.example/orders"),
    ("//shop.example/orders", "https://shop.example/orders"),
    ("/orders", "https://shop.example/orders"),
    ("", "https://shop.example/"),
];

/// The verifiers of a URL: by its origin, by itself, and by a function; and what they are asked.
fn all_ways(url: &str) -> [(Verifier, String); 3] {
    let at = url.find("://").unwrap() + 3;
    let path = url[at..].find('/').unwrap() + at;
    let own = url.to_owned();
    let target = url[path..].to_owned();
    [
        keyed().public_origin(&url[..path]),
        keyed().expected_url(url),
        keyed().expected_url_by(move |_| Some(own.clone())),
    ]
    .map(|it| (it.build().unwrap(), target.clone()))
}

#[test]
fn what_is_one_url_is_decided_once_for_all_ways_to_expect_it() {
    for (signed, url) in ONE {
        for (verifier, target) in all_ways(url) {
            assert_eq!(
                check(&verifier, signed, &target),
                Ok(()),
                "{signed}: {verifier:?}"
            );
        }
    }
    for (signed, url) in TWO {
        for (verifier, target) in all_ways(url) {
            let judged = check(&verifier, signed, &target);
            let wrong = matches!(judged, Err(VerifyError::WrongUrl { .. }));
            assert!(wrong, "{signed}: {judged:?} by {verifier:?}");
        }
    }
}

#[test]
fn a_wrong_url_is_never_said_to_be_the_right_one() {
    for (signed, url) in TWO {
        for (verifier, target) in all_ways(url) {
            let error = check(&verifier, signed, &target).unwrap_err();
            let VerifyError::WrongUrl {
                expected, signed, ..
            } = &error
            else {
                panic!("{error}");
            };
            assert_ne!(expected, signed);
            assert!(
                !signed.is_empty() && error.to_string().replace('…', "").is_ascii(),
                "{error}"
            );
        }
    }
    let long = |end: &str| format!("{ORIGIN}/{}{end}", "a".repeat(2000));
    let verifier = keyed().expected_url(long("x/end")).build().unwrap();
    let error = check(&verifier, &long("y/end"), "/")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("aay/end, but") && error.ends_with("aax/end"),
        "{error}"
    );
    assert!(error.len() < 1200, "{error}");
}

#[test]
fn a_derived_url_is_the_origin_and_what_was_called() {
    for (origin, signed, called) in [
        (ORIGIN, URL, "/orders"),
        ("https://shop.example/", URL, "/orders"),
        ("HTTPS://me:pass@Shop.example:443", URL, "/orders"),
        (
            "https://shop.example/api",
            "https://shop.example/api/orders",
            "/orders",
        ),
        (
            "https://shop.example/api/",
            "https://shop.example/%61pi/orders",
            "/orders",
        ),
        ("https://shop.example/api", "https://shop.example/api", "/"),
        (
            "https://shop.example/api",
            "https://shop.example/api/?a",
            "/?a",
        ),
        (
            "https://shop.example/api",
            "https://shop.example/api?a",
            "/?a",
        ),
    ] {
        assert_eq!(
            derived(origin, signed, called),
            Ok(()),
            "{signed} at {called}"
        );
    }
    for (origin, signed, called) in [
        (
            "https://shop.example/api",
            "https://shop.example/API/orders",
            "/orders",
        ),
        (
            "https://shop.example/api",
            "https://shop.example/apiorders",
            "/orders",
        ),
        (
            "https://shop.example/api",
            "https://shop.example/orders",
            "/orders",
        ),
        (ORIGIN, "https://shop.example", ""),
        (ORIGIN, "https://shop.example.evil", ".evil"),
        (
            "https://shop.example/api",
            "https://shop.example/apis/orders",
            "s/orders",
        ),
        ("https://shop.example/api", "https://shop.example/api*", "*"),
    ] {
        let wrong = derived(origin, signed, called);
        assert!(
            matches!(wrong, Err(VerifyError::WrongUrl { .. })),
            "{signed} at {called}"
        );
    }
}

#[test]
fn a_wrong_url_names_both_urls_but_no_password_and_no_query_that_is_right() {
    for (signed, called, told) in [
        (
            "https://me:pass@other.example/a?b",
            "/orders",
            "is for https://other.example/a?b, but this is https://shop.example/orders",
        ),
        (
            "https://shop.example/a?token=7",
            "/b?token=7",
            "is for https://shop.example/a?…, but this is https://shop.example/b?…",
        ),
        (
            "me:pass@shop.example/orders",
            "/orders",
            "is for …@shop.example/orders, but this is https://shop.example/orders",
        ),
        (
            "https://me:pass@shöp.example/orders?token=7#pass",
            "/orders?token=7",
            "is for https://…@sh%C3%B6p.example/orders?…, but this is https://shop.example/orders?…",
        ),
        (
            "https:/me:pass@shop.example/orders",
            "/orders",
            "is for …@shop.example/orders, but this is https://shop.example/orders",
        ),
        (
            "",
            "/orders",
            "is for no URL, but this is https://shop.example/orders",
        ),
        (
            "https://shop.example/a\nb",
            "/orders",
            "is for https://shop.example/a%0Ab, but this is https://shop.example/orders",
        ),
    ] {
        let error = derived(ORIGIN, signed, called).unwrap_err();
        let told = format!("the token, made with the current signing key, {told}");
        assert_eq!(error.to_string(), told);
    }
}

#[test]
fn a_service_may_have_several_names_and_a_route_several_urls() {
    let origins = keyed()
        .public_origin("https://a.example")
        .public_origin("https://b.example:8443/api")
        .build()
        .unwrap();
    assert_eq!(check(&origins, "https://a.example/x", "/x"), Ok(()));
    assert_eq!(
        check(&origins, "https://b.example:8443/api/x", "/x"),
        Ok(())
    );
    let error = check(&origins, "https://b.example/api/x", "/x").unwrap_err();
    let told = "is for https://b.example/api/x, but this is https://b.example:8443/api/x (the nearest of 2)";
    assert!(error.to_string().ends_with(told), "{error}");

    let urls = keyed()
        .expected_url(URL)
        .expected_url("https://b.example/x");
    let urls = urls.build().unwrap();
    for url in [URL, "https://b.example/x"] {
        assert_eq!(check(&urls, url, "/any"), Ok(()));
    }
    assert!(check(&urls, "https://b.example/orders", "/any").is_err());
}

#[test]
fn a_function_can_tell_the_url_of_each_request() {
    let by_tenant = |head: &RequestHead<'_>| {
        let tenant = head.headers().get("x-tenant")?.to_str().ok()?;
        let path = head.path_and_query()?;
        ["red", "blue"]
            .contains(&tenant)
            .then(|| format!("https://{tenant}.example{path}"))
    };
    let verifier = keyed().expected_url_by(by_tenant).build().unwrap();
    let judge = |tenant: &str, signed: &str| {
        let (mut parts, body) = split(jwt().request(signed, "{}").unwrap());
        parts.headers.insert("x-tenant", tenant.parse().unwrap());
        verify(&verifier, &parts, &body).map(|_| ())
    };
    assert_eq!(judge("red", "https://red.example/a?b"), Ok(()));
    assert_eq!(judge("blue", "https://blue.example/a?b"), Ok(()));
    let wrong = judge("blue", "https://red.example/a?b").unwrap_err();
    assert!(matches!(wrong, VerifyError::WrongUrl { .. }), "{wrong}");
    let unknown = judge("evil", "https://evil.example/a").unwrap_err();
    let told =
        "is for https://evil.example/a, but the verifier was not told the URL of this request";
    assert!(unknown.to_string().ends_with(told), "{unknown}");
    assert_eq!(unknown.key(), Some(current()));
}

/// Some servers hand on what stands there in the request; a function that appends it would make another host of it.
#[test]
fn a_function_gets_no_path_that_would_change_the_host_before_it() {
    let append = |head: &RequestHead<'_>| Some(format!("{ORIGIN}{}", head.path_and_query()?));
    let verifier = keyed().expected_url_by(append).build().unwrap();
    assert_eq!(check(&verifier, URL, "/orders"), Ok(()));
    for (signed, called) in [
        ("https://shop.example.evil/orders", ".evil/orders"),
        ("https://shop.example@evil/orders", "@evil/orders"),
        ("https://shop.example:8443/orders", ":8443/orders"),
    ] {
        let error = check(&verifier, signed, called).unwrap_err();
        assert!(matches!(error, VerifyError::UnknownUrl { .. }), "{error}");
    }
}

#[test]
fn a_target_that_is_no_path_is_told_as_such_and_makes_no_url() {
    for (origin, signed, target) in [
        (
            "https://shop.example/api",
            "https://shop.example/apiorders",
            "orders",
        ),
        ("https://shop.example/api", "https://shop.example/api*", "*"),
        (
            "https://shop.example",
            "https://shop.exampleorders",
            "orders",
        ),
        (
            "https://shop.example",
            "https://shop.example/orders",
            "https://shop.example/orders",
        ),
    ] {
        let error = derived(origin, signed, target).unwrap_err().to_string();
        let end = format!(
            "but this is a request for `{target}`, which is no path: a path begins with `/`"
        );
        assert!(error.ends_with(&end), "{error}");
    }
    let error = derived(
        "https://shop.example",
        "https://shop.example/orders",
        "orders?secret=1",
    );
    assert!(!error.unwrap_err().to_string().contains("secret"));
}

#[test]
fn ways_to_expect_a_url_are_not_mixed() {
    let hook = || keyed().expected_url_by(|_| None);
    for mixed in [
        keyed().expected_url(URL).public_origin(ORIGIN),
        hook().expected_url(URL),
        hook().expected_url_by(|_| None),
        keyed().public_origin(ORIGIN).dangerously_accept_any_url(),
        keyed()
            .dangerously_accept_any_url()
            .dangerously_accept_any_url(),
    ] {
        assert_eq!(mixed.build().unwrap_err(), ConfigError::ManyUrls);
    }
}

#[test]
fn a_password_in_a_configured_url_shows_nowhere() {
    // A query is told only where it is what differs.
    let query = "https://other.example/?token=hunter2";
    for (builder, other) in [
        (
            keyed().public_origin("https://me:hunter2@shop.example"),
            query,
        ),
        (
            keyed().expected_url("https://me:hunter2@shop.example/orders#hunter2"),
            "https://me:hunter2@other.example/",
        ),
        (
            keyed().expected_url("https://shop.example/orders?token=hunter2"),
            query,
        ),
    ] {
        let shown = format!("{builder:?}");
        let verifier = builder.build().unwrap();
        let error = check(&verifier, other, "/orders?token=hunter2");
        let error = error.map_err(|error| format!("{error} {error:?}"));
        let shown = format!("{shown} {verifier:?} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn headers_alone_are_enough_where_the_url_is_fixed() {
    let parts = with_token(&token(b"{}", |it| it));
    let fixed = keyed().expected_url(URL).build().unwrap();
    assert!(fixed.verify(&parts.headers, b"{}", NOW).is_ok());
    let derived = keyed().public_origin(ORIGIN).build().unwrap();
    let error = derived.verify(&parts.headers, b"{}", NOW).unwrap_err();
    assert!(matches!(error, VerifyError::UnknownUrl { .. }), "{error}");
    let uri = "/orders".parse().unwrap();
    assert!(derived.verify((&uri, &parts.headers), b"{}", NOW).is_ok());
    let all = (&http::Method::POST, &uri, &parts.headers);
    assert!(derived.verify(all, b"{}", NOW).is_ok());
    let request = http::Request::from_parts(parts.clone(), ());
    assert!(derived.verify(&request, b"{}", NOW).is_ok());
}

#[test]
fn a_request_for_one_route_is_replayed_on_another_only_where_that_was_allowed() {
    let bound = keyed().public_origin(ORIGIN).build().unwrap();
    assert!(check(&bound, URL, "/refunds").is_err());
    let open = keyed().dangerously_accept_any_url().build().unwrap();
    assert_eq!(check(&open, URL, "/refunds"), Ok(()));
}
