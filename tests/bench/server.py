"""Jaeger on loopback that sends one file to every search, in a process of its own.

`python -m tests.bench.server FILE` prints its port, and `/sent` returns the time at which the last byte of the last
search was sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_AT_ONCE = 1 << 16


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = b""
    sent = 0.0

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        small = {"/api/services": {"data": ["service-0"]}, "/sent": _Handler.sent}.get(path)
        body = self.body if path == "/api/traces" else json.dumps(small).encode()
        self.send_response(404 if body == b"null" else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        view = memoryview(body)
        for begin in range(0, len(body), _AT_ONCE):
            self.wfile.write(view[begin : begin + _AT_ONCE])
        if path == "/api/traces":
            _Handler.sent = time.monotonic()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(file: Path) -> Iterator[str]:
    """Run a server that sends the file. -> its address"""
    command = [sys.executable, "-m", "tests.bench.server", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


if __name__ == "__main__":
    _Handler.body = Path(sys.argv[1]).read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
