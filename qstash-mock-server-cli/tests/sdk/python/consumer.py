"""A consumer that keeps what it receives and answers as planned."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Only what hangs takes this long.
PATIENCE_SECONDS = 30


class Received:
    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = headers  # case-insensitive
        self.body = body

    @property
    def text(self):
        return self.body.decode()


class Consumer:
    def __init__(self):
        self._changed = threading.Condition()
        self._received = []
        self._plans = {}
        consumer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                received = Received(self.command, self.path, self.headers, body)
                status, headers, answer = consumer._take(received)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path):
        return self.base + path

    def plan(self, path, *answers):
        """What requests to `path` are answered, in order; the last one for all that follow."""
        with self._changed:
            self._plans[path] = list(answers)

    def _take(self, received):
        with self._changed:
            plan = self._plans.get(received.path, [])
            answer = plan.pop(0) if len(plan) > 1 else (plan or [(200, {}, b"fine")])[0]
            self._received.append(received)
            self._changed.notify_all()
            return answer

    def at(self, path):
        with self._changed:
            return [it for it in self._received if it.path == path]

    def wait(self, path, count=1):
        """The first `count` requests to `path`, once they are there."""

        def found():
            return [it for it in self._received if it.path == path]

        with self._changed:
            there = self._changed.wait_for(lambda: len(found()) >= count, PATIENCE_SECONDS)
            assert there, f"{path}: {len(found())} of {count} requests came"
            return found()[:count]

    def wait_for(self, what, holds, seconds):
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self._received), seconds), what
