"""A web server on loopback whose responses a test decides."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Respond = Callable[[str, str, bytes], tuple[int, str, bytes]]
"""Of a request's method, path with query, and body: the status, content type and body of its response."""


@contextmanager
def http_server(respond: Respond) -> Iterator[int]:
    """The port of a server while the context is open."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            request_body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content_type, body = respond(self.command, self.path, request_body)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _serve  # noqa: N815 - the names of http.server

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
