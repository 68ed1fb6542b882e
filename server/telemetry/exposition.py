"""Serves the metrics over HTTP, for Prometheus to read."""

import errno
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

_WITHOUT_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


class MetricsServer:
    """An HTTP server in a thread of its own. Raises OSError if the port cannot be had."""

    def __init__(self, registry: CollectorRegistry, *, host: str, port: int) -> None:
        address = host.strip("[]")
        try:
            self._server, self._thread = _start(registry, address, port)
        except OSError as error:
            if address != "::" or error.errno not in _WITHOUT_IPV6:
                raise
            self._server, self._thread = _start(registry, "0.0.0.0", port)  # noqa: S104 - "[::]" asked for every address

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    def close(self) -> None:
        """Stops listening and ends the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _start(registry: CollectorRegistry, address: str, port: int) -> tuple[WSGIServer, Thread]:
    return start_http_server(port, address, registry)
