//! Tokens that others made: `tests/fixtures/make_*` say how.

use qstash_verify::VerifyError;

use crate::common::*;

#[test]
fn tokens_of_pyjwt_and_jose_are_judged_as_they_should_be() {
    let tokens = [
        include_str!("../fixtures/pyjwt.txt"),
        include_str!("../fixtures/jose.txt"),
    ]
    .concat();
    let verifier = verifier();
    for line in tokens.lines() {
        let (expected, token) = line.split_once(' ').unwrap();
        let mut parts = with_token(token);
        parts.uri = "/orders?a=%20b".parse().unwrap();
        let result = verify(&verifier, &parts, br#"{"order_id": 42}"#);
        let judged = match &result {
            Ok(_) => "good",
            Err(VerifyError::Algorithm) => "algorithm",
            Err(VerifyError::TokenType) => "type",
            Err(VerifyError::TokenSignature { .. }) => "signature",
            Err(error) => panic!("{line}: {error}"),
        };
        assert_eq!(judged, expected, "{line}");
    }
    assert_eq!(tokens.lines().count(), 13);
}
