//! Which proxy a request goes through, and that an error names it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use qstash_client::{Client, ClientBuilder, ErrorKind, RetryPolicy};

/// Answers every connection with `{}` and reports its request line.
fn listen() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("bound").to_string();
    let (report, lines) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("accepts");
            let reader = BufReader::new(stream.try_clone().expect("clones"));
            let mut head = reader.lines().map_while(Result::ok);
            report.send(head.next().unwrap_or_default()).ok();
            head.find(String::is_empty);
            let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            stream.write_all(reply).ok();
        }
    });
    (address, lines)
}

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.local_addr().expect("bound").to_string()
}

fn builder(url: &str) -> ClientBuilder {
    let builder = Client::builder().base_url(url).token("t0ken");
    builder.retry(RetryPolicy::none())
}

async fn call(builder: ClientBuilder) -> Result<(), qstash_client::Error> {
    let client = builder.build()?;
    client.v1().metrics().send().await.map(drop)
}

#[tokio::test]
async fn a_chosen_proxy_gets_the_request_whatever_host_it_is_for() {
    let (proxy, lines) = listen();
    for url in ["http://q.test", "http://127.0.0.1:1"] {
        let builder = builder(url).proxy(format!("http://u:s3cret@{proxy}"));
        call(builder).await.expect("the proxy answers");
        let line = lines.recv().expect("it was asked");
        assert_eq!(line, format!("GET {url}/v1/metrics HTTP/1.1"));
    }
}

#[tokio::test]
async fn an_error_names_the_proxy_and_not_its_password() {
    let proxy = nobody();
    let builder = builder("http://q.test").proxy(format!("http://u:s3cret@{proxy}"));
    let error = call(builder).await.expect_err("nobody listens");
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Connect);
    let place = format!("q.test:80 through the proxy http://{proxy}");
    assert!(text.contains(&place) && text.contains("refused"), "{text}");
    assert!(!format!("{text} {error:?}").contains("s3cret"), "{text}");
}

/// The environment belongs to the whole process, so this test starts itself again in one of its own.
#[tokio::test]
async fn a_url_of_this_machine_is_called_without_the_proxy_of_the_environment() {
    const DEAD: &str = "QSTASH_CLIENT_TEST_DEAD_PROXY";
    let Ok(dead) = std::env::var(DEAD) else {
        let dead = nobody();
        let name = "network::proxies::a_url_of_this_machine_is_called_without_the_proxy_of_the_environment";
        let mut child = Command::new(std::env::current_exe().expect("a path"));
        for variable in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
            child.env_remove(variable);
        }
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"] {
            child.env(variable, format!("http://{dead}"));
        }
        let output = child.args(["--exact", name]).env(DEAD, &dead).output();
        let output = output.expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
        return;
    };
    let (here, lines) = listen();
    let port = here.rsplit_once(':').expect("a port").1;
    for host in ["127.0.0.1", "localhost"] {
        call(builder(&format!("http://{host}:{port}")))
            .await
            .expect("called directly");
        assert_eq!(lines.recv().as_deref(), Ok("GET /v1/metrics HTTP/1.1"));
    }
    let error = call(builder("http://q.test"))
        .await
        .expect_err("a dead proxy");
    assert!(
        error
            .to_string()
            .contains(&format!("through the proxy http://{dead}")),
        "{error}"
    );
    let error = call(builder("http://q.test").no_proxy())
        .await
        .expect_err("no such host");
    assert!(!error.to_string().contains("proxy"), "{error}");
}
