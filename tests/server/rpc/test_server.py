"""The listening server: address, limits, TLS and reflection."""

import socket
from pathlib import Path

import grpc
import pytest

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.rpc.open_calls import OpenCalls
from server.rpc.server import RpcOptions, RpcServer, ServerError
from server.telemetry.metrics import Metrics
from tests.fakes import tls
from tests.server.rpc.fakes import RunningServer, serve_fake

# The key of tests.fakes.tls, locked with a password that nobody needs to know.
ENCRYPTED_KEY = b"""\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgvu+i1FmSqDwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEECqef+s03JlhRlNOf4EPI9cEgZCz
o+CkLS4tiPL9J8ZJn637RXZH00t6oGiNlFeB8WdEI3w05HcktaQv4v76MxhEoWgo
MiTJLRPXOJgpWzTA72L2epRUPrjbdNojx03uQi+R5t2BPSrXAlN6lGppeOVtLfAQ
A/vlS0OqRSTI9Hj/SF6GxX71zDiV5eVMF7PTUwfScZFiGibL+7nWsLR8j67bCH0=
-----END ENCRYPTED PRIVATE KEY-----
"""


def listen(**changes: object) -> RpcServer:
    options = {"host": "127.0.0.1", "port": 0, "max_message_bytes": 1_000_000} | changes
    return RpcServer(RpcOptions(**options), open_calls=OpenCalls(), metrics=Metrics())


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Writes a certificate for localhost and its key."""
    chain, key = tmp_path / "chain.crt", tmp_path / "server.pem"
    chain.write_bytes(tls.CERTIFICATE)
    key.write_bytes(tls.PRIVATE_KEY)
    return chain, key


async def test_a_port_in_use_is_an_error_that_names_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(ServerError, match=f"127.0.0.1:{port}: Address already in use"):
            listen(port=port)


async def test_two_servers_never_share_a_port() -> None:
    async with serve_fake(host="127.0.0.1") as server:
        with pytest.raises(ServerError, match="in use"):
            listen(port=server.rpc.port)


@pytest.mark.parametrize("host", ["two..dots", "203.0.113.1"])
async def test_a_host_that_is_not_here_is_an_error_that_names_it(host: str) -> None:
    with pytest.raises(ServerError, match=f"cannot listen on {host}:0: "):
        listen(host=host)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("[::]", "[::]"), ("::", "[::]")]
)
async def test_the_address_tells_the_port_that_was_taken(host: str, shown: str) -> None:
    async with serve_fake(host=host) as server:
        assert server.rpc.address == f"{shown}:{server.rpc.port}"
        assert server.rpc.port > 0


async def test_every_address_is_of_ipv4_too() -> None:
    async with serve_fake(host="[::]") as server:
        address = f"127.0.0.1:{server.rpc.port}"
        async with grpc.aio.insecure_channel(address) as channel:
            await RunningServer(
                server.rpc, server.fake, server.metrics, server.open_calls, channel
            ).stub.ListModels(pb.ListModelsRequest())


@pytest.mark.parametrize(
    "message", [b"\xff", b"\x0a\x02\xff\xfe", b"\x0a\x7fcut off"], ids=["tag", "utf8", "cut"]
)
@pytest.mark.parametrize("method", ["Summarize", "SummarizeStream"])
async def test_a_message_that_cannot_be_parsed_is_a_bad_request(
    server: RunningServer, method: str, message: bytes
) -> None:
    path = f"/summarizer.v1.Summarizer/{method}"
    if method == "Summarize":
        call = server.channel.unary_unary(path)(message)
    else:
        call = server.channel.unary_stream(path)(message)

    assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "x-request-id" in dict(await call.trailing_metadata())


async def test_an_unknown_method_is_unimplemented(server: RunningServer) -> None:
    call = server.channel.unary_unary("/summarizer.v1.Summarizer/Translate")(b"")

    assert await call.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_with_a_certificate_the_server_speaks_tls_only(
    certificate: tuple[Path, Path],
) -> None:
    chain, key = certificate
    trusting = grpc.ssl_channel_credentials(tls.CERTIFICATE)
    async with serve_fake(credentials=trusting, tls_cert=chain, tls_key=key) as server:
        answer = await server.stub.Summarize(pb.SummarizeRequest(document="Text."))
        async with grpc.aio.insecure_channel(server.rpc.address) as in_clear:
            refused = in_clear.unary_unary("/summarizer.v1.Summarizer/ListModels")(b"")
            code = await refused.code()

    assert answer.summary == "A short summary."
    assert code is grpc.StatusCode.UNAVAILABLE


async def test_a_tls_file_that_is_not_there_is_an_error_that_names_it(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    chain, _ = certificate

    with pytest.raises(ServerError, match=r"cannot read the TLS file .*none.pem: No such file"):
        listen(tls_cert=chain, tls_key=tmp_path / "none.pem")


async def test_a_tls_file_that_is_no_certificate_is_an_error_that_names_it(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    _, key = certificate
    chain = tmp_path / "text.crt"
    chain.write_text("not a certificate")

    with pytest.raises(ServerError, match=r"cannot use the TLS certificate .*text.crt"):
        listen(tls_cert=chain, tls_key=key)


async def test_a_key_that_asks_for_a_password_is_an_error_and_not_a_prompt(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    chain, _ = certificate
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(ENCRYPTED_KEY)

    with pytest.raises(ServerError, match="the key is encrypted"):
        listen(tls_cert=chain, tls_key=encrypted)
