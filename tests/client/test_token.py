"""A token from end to end: the client and the command against a server that has keys."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from precis_client import AccessDenied, AsyncClient, Client
from precis_client.cli import main
from server.keys.key_file import add_key
from server.keys.known_keys import KnownKeys
from tests.server.rpc.fakes import RunningServer, serve_fake

Captured = pytest.CaptureFixture[str]
SUMMARY = "A short summary."


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def key(key_file: Path) -> str:
    return add_key(key_file, "tests")


@pytest.fixture
async def server(
    key: str, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningServer]:
    async with serve_fake(keys=KnownKeys(key_file)) as running:
        monkeypatch.setenv("PRECIS_ADDRESS", running.rpc.address)
        monkeypatch.delenv("PRECIS_TOKEN", raising=False)
        yield running


async def test_the_clients_send_their_token(server: RunningServer, key: str) -> None:
    def summarize() -> str:
        with Client(server.rpc.address, token=key) as client:
            return client.summarize("Text.").summary

    assert await asyncio.to_thread(summarize) == SUMMARY
    async with AsyncClient(server.rpc.address, token=key) as client:
        assert (await client.summarize("Text.")).summary == SUMMARY


@pytest.mark.parametrize(("token", "reason"), [(None, "MISSING_KEY"), ("wrong", "UNKNOWN_KEY")])
async def test_a_refusal_is_access_denied(
    server: RunningServer, token: str | None, reason: str
) -> None:
    async with AsyncClient(server.rpc.address, token=token) as client:
        with pytest.raises(AccessDenied) as caught:
            await client.summarize("Text.")

    assert (caught.value.code, caught.value.reason) == ("UNAUTHENTICATED", reason)


async def test_the_command_takes_its_token_from_a_file_or_the_environment(
    server: RunningServer,
    key: str,
    article: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(f"{key}\n")
    summarize = ["summarize", str(article)]

    assert await asyncio.to_thread(main, [*summarize, "--token-file", str(token_file)]) == 0
    monkeypatch.setenv("PRECIS_TOKEN", key)
    assert await asyncio.to_thread(main, summarize) == 0
    monkeypatch.setenv("PRECIS_TOKEN", "wrong")
    assert await asyncio.to_thread(main, [*summarize, "--token-file", str(token_file)]) == 0
    assert capsys.readouterr().out == f"{SUMMARY}\n" * 3

    assert await asyncio.to_thread(main, summarize) == 1
    said = "denies access: this server does not know the key that was sent (see --token-file)"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", " \n", "two words", "caf\u00e9", "a\nb"])
def test_a_token_that_cannot_be_sent_is_not_repeated(
    content: str, tmp_path: Path, article: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(content, "utf-8")
    said = "a token is one word of visible ASCII characters"

    assert main(["summarize", str(article), "--token-file", str(token_file)]) == 2
    assert capsys.readouterr().err == f"precis: {token_file}: {said}\n"
    if content:
        monkeypatch.setenv("PRECIS_TOKEN", content)
        assert main(["summarize", str(article)]) == 2
        assert capsys.readouterr().err == f"precis: $PRECIS_TOKEN: {said}\n"


def test_a_token_file_that_cannot_be_read_is_named(
    tmp_path: Path, article: Path, capsys: Captured
) -> None:
    absent = tmp_path / "absent"

    assert main(["summarize", str(article), "--token-file", str(absent)]) == 2
    assert capsys.readouterr().err == f"precis: {absent}: No such file or directory\n"
