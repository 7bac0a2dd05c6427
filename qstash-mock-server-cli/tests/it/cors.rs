//! Origins of web pages as a setting of the program.

use crate::binary::{Server, program};

const PAGE: &str = "http://localhost:3000";
const APP: &str = "tauri://localhost";

#[tokio::test]
async fn the_program_takes_origins_as_flags_in_its_environment_and_in_its_file() {
    let name = format!("qstash-cors-{}.toml", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, format!("cors = [\"{PAGE}\", \"{APP}\"]\n")).unwrap();
    let flags = program(&["--port", "0", "--cors", PAGE, "--cors", APP]);
    let mut environment = program(&["--port", "0"]);
    environment.env("QSTASH_MOCK_CORS", format!(" {PAGE} , {APP}"));
    let mut in_file = program(&["--port", "0", "--config"]);
    in_file.arg(&file);
    for program in [flags, environment, in_file] {
        let server = Server::start(program).await;
        for origin in [PAGE, APP] {
            let request = reqwest::Client::new().get(format!("{}/v1/queues", server.url));
            let response = request.header("origin", origin).send().await.unwrap();
            let allowed = &response.headers()["access-control-allow-origin"];
            assert_eq!(allowed, origin);
        }
    }
    std::fs::remove_file(&file).unwrap();
}
