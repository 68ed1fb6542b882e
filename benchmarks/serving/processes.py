"""Starts servers as processes of their own, waits until they answer, and ends them."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import grpc

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc

_PATIENCE_S = 60.0
_POLL_S = 0.1
_GRACE_S = 15.0


class ServerFailed(RuntimeError):
    """A server ended, or did not answer in time; the message holds the last thing that it said."""


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Callable[[int], Sequence[str]], environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Runs a server for as long as the context lasts, and gives the port that it is told."""
    with running_process(command, environment) as (port, _):
        yield port


@contextmanager
def running_process(
    command: Callable[[int], Sequence[str]], environment: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """As `running`, and gives the process's number beside the port."""
    port = free_port()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - our own servers
            command(port),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, "ORT_DISABLE_TELEMETRY": "1", **(environment or {})},
        )
        try:
            if not _answers(port, process):
                said.seek(0)
                lines = said.read().decode("utf-8", "replace").strip().splitlines()
                last = lines[-1] if lines else "it said nothing"
                raise ServerFailed(f"{' '.join(command(port)[:4])} did not become ready: {last}")
            yield port, process.pid
        finally:
            _end(process)


def _answers(port: int, process: "subprocess.Popen[bytes]") -> bool:
    give_up_s = time.monotonic() + _PATIENCE_S
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = summarizer_pb2_grpc.SummarizerStub(channel)  # type: ignore[no-untyped-call]
        while process.poll() is None and time.monotonic() < give_up_s:
            try:
                stub.GetModel(pb.GetModelRequest(), timeout=1, wait_for_ready=True)
                return True
            except grpc.RpcError:
                time.sleep(_POLL_S)
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
