"""`python -m server` as a process of its own, over the embedded bundle."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc
from server.keys.key_file import add_key

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "models" / "default" / "bundle-cpu-int8"
DOCUMENT = "The zebrafish project measures how attention reads a document. " * 20
FREE_PORTS = ("--port", "0", "--metrics-port", "0", "--host", "127.0.0.1")
# Writes on to the limit, so that there is time to interfere.
LONG = pb.DecodingOptions(max_tokens=128, min_tokens=128)


def environment() -> dict[str, str]:
    """This process's, without settings of the server."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "client")])
    others = {name: value for name, value in os.environ.items() if not name.startswith("PRECIS_")}
    return others | {"PYTHONPATH": paths}


def run_in_vain(*arguments: str) -> tuple[int, list[str]]:
    """Runs a server that cannot start; its exit code and the lines on its stderr."""
    ended = subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr.splitlines()


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


@dataclass
class Served:
    """A server that is ready, the line that said so, and a channel to it."""

    process: asyncio.subprocess.Process
    ready: dict[str, Any]
    channel: grpc.aio.Channel

    @property
    def stub(self) -> Any:
        return summarizer_pb2_grpc.SummarizerStub(self.channel)

    async def end(self) -> tuple[int, list[dict[str, Any]]]:
        """Waits for the end; the exit code and what was still logged."""
        assert self.process.stderr is not None
        rest = await self.process.stderr.read()
        lines = [json.loads(line) for line in rest.decode().splitlines()]
        return await self.process.wait(), lines


@asynccontextmanager
async def served(*arguments: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", *FREE_PORTS, *arguments),
        cwd=ROOT,
        env=environment(),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        ready = json.loads(await process.stderr.readline())
        assert ready["message"] == "ready"
        async with grpc.aio.insecure_channel(ready["address"]) as channel:
            yield Served(process, ready, channel)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_embedded_model_answers_and_a_signal_ends_the_server() -> None:
    async with served() as server:
        answer = await server.stub.Summarize(pb.SummarizeRequest(document=DOCUMENT))
        health = await health_pb2_grpc.HealthStub(server.channel).Check(
            health_pb2.HealthCheckRequest(service="summarizer.v1.Summarizer")
        )
        url = f"http://127.0.0.1:{server.ready['metrics_port']}/metrics"
        metrics = await asyncio.to_thread(_read, url)
        server.process.send_signal(signal.SIGTERM)
        exit_code, log = await server.end()

    assert answer.summary
    assert answer.model == server.ready["model"]
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    labels = 'code="OK",rpc="Summarize",service="summarizer.v1.Summarizer"'
    assert f"precis_requests_total{{{labels}}} 1.0" in metrics
    assert 'precis_settings_info{batching="continuous",max_rows="16",' in metrics
    assert server.ready["provider"] == "CPUExecutionProvider"
    assert server.ready["threads"] >= 1
    assert exit_code == 0
    assert [line["message"] for line in log] == ["call ended", "draining", "stopped"]
    assert "zebrafish" not in str(log)


@pytest.mark.parametrize(("flags", "code"), [([], "OK"), (["--kserve", "off"], "UNIMPLEMENTED")])
async def test_the_open_inference_protocol_is_served_unless_turned_off(
    flags: list[str], code: str
) -> None:
    async with served(*flags) as server:
        ready = server.channel.unary_unary("/inference.GRPCInferenceService/ServerReady")(b"")

        assert (await ready.code()).name == code
        if not flags:
            assert (await ready) == b"\x08\x01"


async def test_a_server_with_keys_answers_who_has_one(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    key = add_key(keys, "tests")
    async with served("--api-keys", str(keys)) as server:
        ask = server.stub.ListModels
        refused = await ask(pb.ListModelsRequest()).code()
        metadata = (("authorization", f"Bearer {key}"),)
        answered = await ask(pb.ListModelsRequest(), metadata=metadata).code()

    assert refused is grpc.StatusCode.UNAUTHENTICATED
    assert answered is grpc.StatusCode.OK


def test_a_key_file_with_a_fault_keeps_the_server_from_starting(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("tests\n")

    exit_code, said = run_in_vain("--api-keys", str(keys))

    fault = "has 1 words, a label and a SHA-256 expected"
    assert (exit_code, said) == (1, [f"error: {keys}, line 1: {fault}"])


async def test_streams_that_run_at_the_signal_are_finished() -> None:
    async with served() as server:
        request = pb.SummarizeRequest(document=DOCUMENT, options=LONG)
        calls = [server.stub.SummarizeStream(request) for _ in range(4)]
        watch = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest())
        first_health = await watch.read()
        firsts = [await call.read() for call in calls]

        server.process.send_signal(signal.SIGTERM)
        second_health = await watch.read()
        texts, finals = [], []
        for call, message in zip(calls, firsts, strict=True):
            text = ""
            while message.HasField("delta"):
                text += message.delta.text
                message = await call.read()
            texts.append(text)
            finals.append(message.final.summary)
        exit_code, _ = await server.end()

    assert first_health.status == health_pb2.HealthCheckResponse.SERVING
    assert second_health.status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert all(texts)
    assert texts == finals
    assert exit_code == 0


@pytest.mark.parametrize(
    ("grace", "num_signals"), [("30", 2), ("0", 1)], ids=["second signal", "grace over"]
)
async def test_calls_that_may_not_finish_are_sent_elsewhere(grace: str, num_signals: int) -> None:
    async with served("--drain-grace-s", grace, "--max-rows", "1") as server:
        request = pb.SummarizeRequest(document=DOCUMENT, options=LONG)
        # One at a time, so many that most of them cannot be done yet when the first has begun.
        calls = [server.stub.SummarizeStream(request) for _ in range(32)]
        firsts = [asyncio.ensure_future(call.read()) for call in calls]
        await asyncio.wait(firsts, return_when=asyncio.FIRST_COMPLETED)

        for _ in range(num_signals):
            server.process.send_signal(signal.SIGTERM)
            # Signals of one kind that arrive together count as one.
            await _until_not_serving(server)
        await asyncio.wait(firsts)
        codes = [await _code_at_end(call) for call in calls]
        exit_code, log = await server.end()

    assert grpc.StatusCode.UNAVAILABLE in codes
    assert set(codes) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK}
    assert exit_code == 0
    assert "calls ended before they were answered" in [line["message"] for line in log]


def test_a_wrong_setting_is_one_line_and_exit_code_2() -> None:
    exit_code, lines = run_in_vain("--max-rows", "-1")

    assert exit_code == 2
    assert lines == [
        "error: --max-rows (PRECIS_MAX_ROWS): '-1' given, a whole number from 0 to 1024 expected"
    ]


def test_a_port_in_use_is_one_line_and_exit_code_1(taken_port: str) -> None:
    exit_code, lines = run_in_vain("--host", "127.0.0.1", "--port", taken_port)

    assert exit_code == 1
    assert lines == [f"error: cannot listen on 127.0.0.1:{taken_port}: Address already in use"]


def test_a_metrics_port_in_use_is_one_line_and_exit_code_1(taken_port: str) -> None:
    exit_code, lines = run_in_vain(*FREE_PORTS, "--metrics-port", taken_port)

    assert exit_code == 1
    (line,) = lines
    assert f"cannot serve metrics on 127.0.0.1:{taken_port}: Address already in use" in line


def test_a_bundle_that_is_not_there_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    exit_code, lines = run_in_vain(*FREE_PORTS, "--bundle", str(tmp_path / "none"))

    assert exit_code == 1
    assert lines == [f"error: {tmp_path}/none: no such bundle directory"]


def test_a_broken_bundle_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    for file in BUNDLE.iterdir():
        (tmp_path / file.name).symlink_to(file)
    broken = tmp_path / "tokenizer.json"
    content = bytearray(broken.read_bytes())
    content[len(content) // 2] ^= 1
    broken.unlink()
    broken.write_bytes(content)

    exit_code, lines = run_in_vain(*FREE_PORTS, "--bundle", str(tmp_path))

    assert exit_code == 1
    (line,) = lines
    assert line.startswith(f"error: {broken}: ")
    assert "SHA-256" in line


def test_an_old_bundle_is_one_line_that_says_to_export_it_again(tmp_path: Path) -> None:
    for file in BUNDLE.iterdir():
        (tmp_path / file.name).symlink_to(file)
    manifest = json.loads((BUNDLE / "manifest.json").read_text("utf-8")) | {"format_version": 1}
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), "utf-8")

    exit_code, lines = run_in_vain(*FREE_PORTS, "--bundle", str(tmp_path))

    assert exit_code == 1
    assert lines == [
        f"error: {tmp_path}/manifest.json: format_version 1 found, 2 expected by this version: "
        "export it again from its checkpoint (python -m export)"
    ]


def test_a_bundle_of_another_precision_is_one_line_that_names_both() -> None:
    exit_code, lines = run_in_vain(*FREE_PORTS, "--precision", "fp32")

    assert exit_code == 1
    assert lines == [
        "error: models/default/bundle-cpu-int8: the bundle's precision is int8, "
        "fp32 asked for by --precision (PRECIS_PRECISION)"
    ]


async def test_a_bundle_of_the_precision_asked_for_is_served() -> None:
    async with served("--precision", "int8") as server:
        assert server.ready["model"]


def test_a_certificate_that_is_not_there_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    cert, key = tmp_path / "none.crt", tmp_path / "none.pem"

    exit_code, lines = run_in_vain(*FREE_PORTS, "--tls-cert", str(cert), "--tls-key", str(key))

    assert exit_code == 1
    assert lines == [f"error: cannot read the TLS file {cert}: No such file or directory"]


async def _until_not_serving(server: Served) -> None:
    """Waits until the server has heard a signal."""
    stub, request = health_pb2_grpc.HealthStub(server.channel), health_pb2.HealthCheckRequest()
    try:
        while (await stub.Check(request)).status == health_pb2.HealthCheckResponse.SERVING:
            await asyncio.sleep(0)
    except grpc.aio.AioRpcError:
        return  # it is gone already


async def _code_at_end(call: Any) -> grpc.StatusCode:
    """How a stream ends once all that it sent is read."""
    with contextlib.suppress(grpc.aio.AioRpcError):
        while await call.read() is not grpc.aio.EOF:
            pass
    return await call.code()


def _read(url: str) -> str:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the server under test
        return str(answer.read().decode())
