"""Drives a server's clock and faults from Python, over /_admin.

Usage: control.py PROGRAM, where PROGRAM is the qstash-mock-server binary. Needs httpx.
Prints what happened, and exits with 1 if it is not what it should be.
"""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx

START = "2026-08-01T12:00:00Z"


class Consumer(BaseHTTPRequestHandler):
    """Answers 200 to everything."""

    received = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        Consumer.received.append((self.headers["qstash-attempt"], body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def start(program):
    """The server's process, its URL and its token."""
    command = [program, "--port=0", f"--manual-clock={START}", "--seed=42"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    found = {}
    while len(found) < 3:
        name, _, value = server.stdout.readline().strip().partition("=")
        if name in ("QSTASH_URL", "QSTASH_TOKEN", "QSTASH_SIGNING_SECRET"):
            found[name] = value
    return server, found["QSTASH_URL"], found["QSTASH_TOKEN"]


def main(program):
    consumer = HTTPServer(("127.0.0.1", 0), Consumer)
    threading.Thread(target=consumer.serve_forever, daemon=True).start()
    server, url, token = start(program)
    try:
        control = httpx.Client(base_url=f"{url}/_admin", timeout=30)
        api = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=30)
        tell(control, api, f"http://127.0.0.1:{consumer.server_port}/")
    finally:
        server.terminate()
        server.wait()


def tell(control, api, webhook):
    def ask(method, route, **body):
        response = control.request(method, route, json=body or None)
        response.raise_for_status()
        return response.json()

    queue = {
        "name": "orders",
        "webhook_url": webhook,
        "retry_backoff": {"kind": "fixed", "seconds": 6 * 3600},
    }
    api.post("/v1/queues", json=queue).raise_for_status()

    # The first two answers are lost, and the first publish is told to come again.
    ask("POST", "/faults", kind="lose_answer", queue="orders", script=[True, True])
    ask("POST", "/faults", kind="api_status", status=429, path="/v1/publish", times=1)
    order = {"queue": "orders", "message": {"order_id": 42}}
    assert api.post("/v1/publish", json=order).status_code == 429
    message = api.post("/v1/publish", json=order).raise_for_status().json()["message_id"]

    report = ask("POST", "/clock/advance", seconds=48 * 3600)
    assert report["now"] == "2026-08-03T12:00:00.000Z", report
    assert report["unanswered"] == 0, report

    found = ask("POST", "/deliveries/wait", message_id=message, count=3)["deliveries"]
    for it in found:
        print(it["started_at"], "attempt", it["attempt"], it["verdict"], it["error"] or "")
    times = [it["started_at"] for it in found]
    assert times == [
        "2026-08-01T12:00:00.000Z",
        "2026-08-01T18:00:00.000Z",
        "2026-08-02T00:00:00.000Z",
    ], times
    assert [it["verdict"] for it in found] == ["failed", "failed", "delivered"], found
    assert [attempt for attempt, _ in Consumer.received] == ["1", "2", "3"]

    ask("POST", "/reset")
    assert api.get("/v1/queues").json()["queues"] == []
    assert ask("GET", "/clock")["now"] == "2026-08-01T12:00:00.000Z"
    print("two days in a moment, and everything as it should be")


if __name__ == "__main__":
    main(sys.argv[1])
