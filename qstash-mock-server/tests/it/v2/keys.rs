use super::transcript::Transcript;

#[tokio::test]
async fn the_published_user_has_the_published_keys_until_they_are_rotated() {
    let api = Transcript::with(|server| server.dev_users(true)).await;
    let keys = api.value("/v2/keys").await;
    // v2.md section 1.4: an SDK takes the server for the official one by these.
    assert_eq!(keys["current"], "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r");
    assert_eq!(keys["next"], "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs");
    let rotated = api
        .send("POST", "/v2/keys/rotate", &[], "")
        .await
        .text()
        .await
        .unwrap();
    let rotated: serde_json::Value = serde_json::from_str(&rotated).unwrap();
    assert_eq!(rotated["current"], keys["next"]);
    let fresh = rotated["next"].as_str().unwrap();
    assert!(fresh.starts_with("sig_") && fresh.len() == 32 && keys["current"] != fresh);
    assert_eq!(api.value("/v2/keys").await, rotated);
}
