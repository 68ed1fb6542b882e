"""--address, --tls and --tls-ca: what is accepted, and what is said of what cannot work."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from precis_client.cli import main
from precis_client.cli.server_options import checked_address
from tests.fakes.scripted_summarizer import ScriptedServer, serve_script
from tests.fakes.tls import CERTIFICATE, PRIVATE_KEY

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def tls_server() -> Iterator[ScriptedServer]:
    """Runs a scripted server that speaks TLS alone."""
    with serve_script(grpc.ssl_server_credentials([(PRIVATE_KEY, CERTIFICATE)])) as scripted:
        yield scripted


@pytest.fixture
def certificate_path(tmp_path: Path) -> Path:
    """Writes the server's certificate, with a remark above it as bundles of them have."""
    path = tmp_path / "ca.pem"
    path.write_bytes("# Autorité\n".encode() + CERTIFICATE)
    return path


def test_a_certificate_file_makes_the_connection_encrypted(
    tls_server: ScriptedServer, certificate_path: Path
) -> None:
    address = ["--address", tls_server.address]

    assert main(["health", *address, "--tls-ca", str(certificate_path)]) == 0
    assert main(["health", *address, "--tls"]) == 3


def test_a_server_that_wants_tls_is_guessed(tls_server: ScriptedServer, capsys: Captured) -> None:
    assert main(["health", "--address", tls_server.address]) == 3

    assert capsys.readouterr().err.endswith("Socket closed (does the server want --tls?)\n")


def test_a_server_that_speaks_no_tls_is_guessed(
    server: ScriptedServer, certificate_path: Path, capsys: Captured
) -> None:
    for flags in (["--tls"], ["--tls-ca", str(certificate_path)]):
        assert main(["health", "--address", server.address, *flags]) == 3

        assert capsys.readouterr().err == (
            f"precis: cannot reach {server.address} (see --address): "
            "the TLS handshake failed (the server may not speak TLS)\n"
        )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no certificate",
        b"\xff\xfe\x00",
        PRIVATE_KEY,
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
    ids=["empty", "text", "binary", "key", "mangled"],
)
def test_a_file_without_a_certificate_is_named(
    content: bytes, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)

    assert main(["health", "--tls-ca", str(path)]) == 2

    assert capsys.readouterr() == ("", f"precis: {path}: no PEM certificate\n")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://localhost:50051", "leave out http://"),
        ("HTTPS://localhost", "leave out HTTPS://"),
        ("foo", "the port is missing, as in HOST:50051"),
        ("foo:", "the port is missing, as in HOST:50051"),
        ("127.0.0.1", "the port is missing, as in HOST:50051"),
        ("[::1]", "the port is missing, as in HOST:50051"),
        ("::1", "the port is missing, as in HOST:50051"),
    ],
)
def test_an_address_that_grpc_would_misread_is_a_usage_error(
    address: str, why: str, capsys: Captured
) -> None:
    assert main(["health", "--address", address]) == 2

    said = f"precis: cannot use the address {address} (see --address): {why}\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    "address",
    [
        "localhost:50051",
        "127.0.0.1:50051",
        "[::1]:50051",
        "dns:///localhost:50051",
        "dns://10.0.0.1/localhost:50051",
        "ipv4:127.0.0.1:50051,127.0.0.1:50052",
        "ipv6:[::1]:50051",
        "unix:/run/precis.sock",
        "unix:precis.sock",
        "unix:///run/precis.sock",
        "unix-abstract:precis",
    ],
)
def test_every_other_target_of_grpc_is_left_as_it_is(address: str) -> None:
    assert checked_address(address) == address
