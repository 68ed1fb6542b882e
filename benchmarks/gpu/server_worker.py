"""Our gRPC server as a contender: `python -m benchmarks.gpu.server_worker BUNDLE`.

A real server process, and client processes that keep calling it: all that lies between a caller
and the engine is in the time.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from typing import IO, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.gpu.our_device import MAX_ENCODE_TOKENS
from benchmarks.gpu.protocol import Job, Ready, Start, Work, end_with_parent, serve

_PATIENCE_S, _POLL_S = 300.0, 0.1
_END_PATIENCE_S = 10.0
_MOST_CLIENTS = 4
# Calls under way for each row of the server, so that a row never waits for a caller.
_CALLS_A_ROW = 2
_PROVIDERS = {
    "cuda": ["--provider", "cuda", "--strict", "on"],
    "cpu": ["--provider", "cpu", "--threads", "1"],
}


def load(start: Start) -> Ready:
    """Starts the server and its clients."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    server, said = _start_server(start, port)
    _await_serving(server, said, port)
    clients = [_Client(port) for _ in range(min(_MOST_CLIENTS, len(os.sched_getaffinity(0))))]

    def work(job: Job) -> Work:
        options = {
            "max_tokens": job.max_tokens,
            "min_tokens": job.min_tokens,
            "no_repeat_ngram_size": job.no_repeat_ngram_size,
            "no_repeat_word_ngram_size": 0,  # no peer has such rules
            "only_source_facts": False,
            "num_beams": job.beams,
            "speculation": job.speculation,
        }
        concurrency = -(-job.batch * _CALLS_A_ROW // len(clients))
        for index, client in enumerate(clients):
            texts = job.texts[index :: len(clients)]
            client.say({"texts": texts, "options": options, "concurrency": concurrency})
        answers = [client.hear() for client in clients]
        began_s = min(answer["began_s"] for answer in answers)
        ended_s = max(answer["ended_s"] for answer in answers)
        tokens = sum(answer["tokens"] for answer in answers)
        return Work([], {"clients": len(clients)}, tokens=tokens, seconds=ended_s - began_s)

    def close() -> None:
        server.terminate()
        try:
            server.wait(_END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    return Ready(work, {"clients": len(clients)}, lambda: 0, close)


def _start_server(start: Start, port: int) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    said = tempfile.TemporaryFile()
    command = [sys.executable, "-m", "server", "--bundle", str(start.model)]
    command += ["--port", str(port), "--metrics", "off", "--log-level", "warning"]
    command += ["--max-rows", str(start.rows), "--max-encode-tokens", str(MAX_ENCODE_TOKENS)]
    # Nothing is to be refused, and no two calls are to share an answer.
    command += ["--max-queue-documents", "100000", "--max-queue-tokens", "100000000"]
    command += ["--single-flight", "off", *_PROVIDERS[start.device]]
    server = subprocess.Popen(  # noqa: S603 - our own server
        command,
        stdout=said,
        stderr=said,
        preexec_fn=end_with_parent,
    )
    return server, said


def _await_serving(server: subprocess.Popen[bytes], said: IO[bytes], port: int) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end_s:
        if server.poll() is not None:
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").strip().splitlines()
            raise RuntimeError(f"the server ended with {server.returncode}: {lines[-1:]}")
        if _is_serving(port):
            return
        time.sleep(_POLL_S)
    raise RuntimeError(f"the server was not ready within {_PATIENCE_S:.0f} s")


def _is_serving(port: int) -> bool:
    # Each time anew: a channel that found nobody waits before it tries again.
    with grpc.insecure_channel(f"localhost:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class _Client:
    """A process of callers."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "benchmarks.gpu.callers", f"localhost:{port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hear()

    def say(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of callers ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


if __name__ == "__main__":
    serve(load)
