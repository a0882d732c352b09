"""Stands before what answers as AWS does and holds every reply against AWS's own service models.

As a program: given an upstream's address and a file to write one line per request to. Prints its own address when it listens.
"""

import http.client
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import wire


def server(upstream, tell):
    """A server before `upstream`, not yet running; `tell(service, operation, status, findings)` hears of every reply."""
    target = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
            connection.request(self.command, target.path.rstrip("/") + self.path, body, dict(self.headers))
            reply = connection.getresponse()
            replied = reply.read()
            connection.close()
            headers = dict(reply.getheaders())
            try:
                operation = wire.operation_of(self.command, self.path, self.headers, body)
                if operation:
                    found = wire.findings(operation, reply.status, headers, replied)
                    tell(operation.service_model.service_name, operation.name, reply.status, found)
            except LookupError as error:
                tell(self.command, self.path, reply.status, [str(error)])
            self.send_response(reply.status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(replied)))
            self.end_headers()
            self.wfile.write(replied)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = answer

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def main():
    upstream, path = sys.argv[1:]
    with open(path, "a", encoding="utf-8") as log:

        def tell(service, operation, status, found):
            lines = [f"{service} {operation} {status}\n", *(f"! {service} {operation}: {finding}\n" for finding in found)]
            log.write("".join(lines))
            log.flush()

        proxy = server(upstream, tell)
        print(f"http://127.0.0.1:{proxy.server_port}", flush=True)
        # Whoever started it holds the other end: it ends with them, however they end.
        threading.Thread(target=lambda: (sys.stdin.read(), proxy.shutdown()), daemon=True).start()
        proxy.serve_forever()


if __name__ == "__main__":
    main()
