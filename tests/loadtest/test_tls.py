"""TLS to the target, and what is said where the two sides do not agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from loadtest.engine.caller import Ask
from loadtest.engine.clock import Clock
from loadtest.engine.summarizer_caller import SummarizerCaller
from loadtest.exits import Exit, LoadTestError
from loadtest.measure.call import OK
from loadtest.orders import Target
from loadtest.scenario import MixEntry
from tests.fakes.scripted_summarizer import serve_script
from tests.fakes.tls import CERTIFICATE, PRIVATE_KEY


@pytest.fixture
def pem(tmp_path: Path) -> tuple[Path, Path]:
    """Writes the certificate and its key to files."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(CERTIFICATE)
    key.write_bytes(PRIVATE_KEY)
    return certificate, key


@contextmanager
def serve_tls(*, asks_for_certificate: bool = False) -> Iterator[str]:
    credentials = grpc.ssl_server_credentials(
        [(PRIVATE_KEY, CERTIFICATE)],
        CERTIFICATE if asks_for_certificate else None,
        asks_for_certificate,
    )
    with serve_script(credentials) as server:
        yield server.address


async def check(target: Target) -> None:
    caller = SummarizerCaller(target, Clock())
    try:
        await caller.check((MixEntry(),))
    finally:
        await caller.close()


@pytest.mark.parametrize("has_own", [False, True])
async def test_a_call_goes_over_tls_with_a_certificate_of_our_own_where_it_is_asked_for(
    has_own: bool, pem: tuple[Path, Path]
) -> None:
    certificate, key = pem
    with serve_tls(asks_for_certificate=has_own) as address:
        own = {"cert": certificate, "key": key} if has_own else {}
        caller = SummarizerCaller(Target(address=address, tls=True, ca=certificate, **own), Clock())
        made = await caller.call(Ask(MixEntry(), ("a",), 0))
        await caller.close()

    assert made.status == OK


async def test_a_target_that_speaks_tls_is_told_from_one_that_is_silent() -> None:
    with serve_tls() as address:
        with pytest.raises(LoadTestError, match="speaks TLS: say --tls") as caught:
            await check(Target(address=address))

    assert caught.value.code is Exit.TLS


async def test_a_certificate_that_nobody_vouches_for_is_told() -> None:
    with serve_tls() as address:
        with pytest.raises(LoadTestError, match=r"is not trusted: self.signed") as caught:
            await check(Target(address=address, tls=True))

    assert caught.value.code is Exit.TLS


async def test_a_certificate_that_the_server_asks_for_and_we_lack_is_told(
    pem: tuple[Path, Path],
) -> None:
    with serve_tls(asks_for_certificate=True) as address:
        with pytest.raises(LoadTestError, match="may want a certificate of ours") as caught:
            await check(Target(address=address, tls=True, ca=pem[0]))

    assert caught.value.code is Exit.TLS


async def test_a_target_that_does_not_speak_tls_is_told() -> None:
    with serve_script() as server:
        with pytest.raises(LoadTestError, match="does not speak TLS") as caught:
            await check(Target(address=server.address, tls=True))

    assert caught.value.code is Exit.TLS


async def test_a_target_that_is_not_there_is_told() -> None:
    with pytest.raises(LoadTestError, match="cannot be reached: Connection refused") as caught:
        await check(Target(address="localhost:9"))

    assert caught.value.code is Exit.UNREACHABLE
