"""moto over HTTP with its gaps filled: an AWS that nobody here wrote.

Started with a file to write one line per request to. Prints its address when it listens.
"""

import io
import json
import logging
import re
import sys
import threading
from urllib.parse import parse_qsl

from moto.backends import get_backend
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from gaps import ACCOUNT, GAPS

moto = DomainDispatcherApplication(create_backend_app)


class Call:
    """One request, read as far as the gaps need it."""

    def __init__(self, environ):
        self.environ = environ
        self.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", authorization)
        self.region, self.service = scope.groups() if scope else ("", "")
        self.path = [part for part in environ["PATH_INFO"].split("/") if part]
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target:
            self.operation = target.rpartition(".")[2]
        elif environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            self.parameters = dict(parse_qsl(self.body.decode(), keep_blank_values=True))
            self.operation = self.parameters["Action"]
            return
        else:
            # In the REST services' paths every other part is a name, or all that follows `tags`.
            words = [part if at % 2 == 0 else "*" for at, part in enumerate(self.path)]
            words = words[:2] if words[:1] == ["tags"] else words
            self.operation = f"{environ['REQUEST_METHOD']} {'/'.join(words)}"
        self.parameters = json.loads(self.body) if self.body.startswith(b"{") else {}

    def forward(self, body=None):
        """What moto answers: status, headers, body. `body` replaces what was sent."""
        started = []
        sent = self.body if body is None else body
        environ = {**self.environ, "wsgi.input": io.BytesIO(sent), "CONTENT_LENGTH": str(len(sent))}
        body = b"".join(moto(environ, lambda status, headers, _=None: started.append((status, headers))))
        status, headers = started[0]
        return int(status.split()[0]), dict(headers), body


def application(log):
    turn = threading.Lock()

    def answer(environ, start_response):
        call = Call(environ)
        # moto keeps its world in plain dictionaries, and looks at the condition of a write before it writes: one request
        # at a time, as they come at once.
        with turn:
            gap = GAPS.get((call.service, call.operation))
            try:
                status, headers, body = gap(call) if gap else call.forward()
            except NotImplementedError as error:
                status, headers, body = 501, {}, str(error).encode()
            if call.service:
                print(call.service, call.operation, status, file=log, flush=True)
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        start_response(f"{status} ", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # The examples name a user that exists already, as a new sandbox has one.
    get_backend("iam")[ACCOUNT]["aws"].create_user(region_name="us-east-1", user_name="ops-account", tags=[])
    # For states: groundwork makes no buckets.
    get_backend("s3")[ACCOUNT]["aws"].create_bucket("acme-groundwork", "us-east-1")
    with open(sys.argv[1], "a", encoding="utf-8") as log:
        server = make_server("127.0.0.1", 0, application(log), threaded=True)
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        # Whoever started it holds the other end: it ends with them, however they end.
        threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
        server.serve_forever()


main()
