"""The README shows what really happens: its commands and its Python are run as they stand."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
LOCAL_LINKS = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)


def console_session(command: str) -> list[tuple[str, str]]:
    """Commands that begin so, each with the lines shown below it."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    shown = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)]
    pairs = [part.partition("\n") for part in shown]
    return [(first, rest.strip()) for first, _, rest in pairs if first.startswith(command)]


PRECIS = console_session(".venv/bin/precis")
LEAST_LIKENESS = 0.6


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server of this checkout, started as `make serve` starts it but on a free port."""
    ports = ["--host", "127.0.0.1", "--port", "0", "--metrics", "off"]
    with subprocess.Popen(
        [sys.executable, "-m", "server", *ports], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        ready = json.loads(process.stderr.readline())
        assert ready["message"] == "ready"
        yield ready["address"]
        process.terminate()
        process.stderr.read()


def run(arguments: list[str], address: str) -> str:
    outcome = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PRECIS_ADDRESS": address},
        capture_output=True,
        text=True,
        check=True,
    )
    return outcome.stdout.strip()


def test_the_readme_shows_at_least_three_summaries() -> None:
    assert len([answer for _, answer in PRECIS if answer]) >= 3


@pytest.mark.parametrize(("command", "answer"), PRECIS, ids=[command for command, _ in PRECIS])
def test_a_command_of_the_readme_answers_as_shown(address: str, command: str, answer: str) -> None:
    """Word for word only where it must be: processors round differently, and now and then a
    summary differs by a few words from the one in the README."""
    arguments = ["-m", "precis_client.cli", *shlex.split(command)[1:]]
    printed = run(arguments, address)
    if "--temperature" in arguments:
        assert printed
        assert run(arguments, address) == printed
    else:
        assert likeness(printed, answer) >= LEAST_LIKENESS, printed
    if "--prefix" in arguments:
        assert printed.startswith(option(arguments, "--prefix"))
    if "--ban" in arguments:
        assert option(arguments, "--ban") not in printed


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def likeness(one: str, other: str) -> float:
    """The share of the shorter text's words that the other has too, in any order.

    After a near-tie a title may say the same in another order. Each Han character is a word.
    """
    first, second = (
        Counter(re.findall(r"[一-鿿]|[a-z0-9]+", text.lower())) for text in (one, other)
    )
    return (first & second).total() / max(1, min(first.total(), second.total()))


def test_unrelated_summaries_are_not_alike() -> None:
    english = [answer for _, answer in PRECIS if answer.isascii() and answer]
    assert likeness(english[0], "Attention lets a decoder look back at words.") < LEAST_LIKENESS
    assert likeness(english[0], english[0].upper()) == 1


def script_with(name: str) -> str:
    scripts = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (script,) = [script for script in scripts if name in script]
    return str(script)


def test_the_client_s_python_of_the_readme_runs(address: str) -> None:
    client, pipeline = script_with("import Client"), script_with("import pipeline")
    for script in (client, pipeline):
        assert "localhost:50051" in script
    summary, told = run(["-c", client.replace("localhost:50051", address)], address).splitlines()
    assert "tokens read in" in told
    of_pipeline = run(["-c", pipeline.replace("localhost:50051", address)], address)
    assert likeness(of_pipeline, summary) >= LEAST_LIKENESS


def test_the_python_of_the_readme_that_needs_no_server_runs() -> None:
    output = run(["-c", script_with("server.offline")], address="nowhere:1")
    english, chinese = output.splitlines()
    assert re.fullmatch(r".*[a-z].* \d+ -\d+\.\d+", english)
    assert re.fullmatch(r".*[\u4e00-\u9fff].* \d+ -\d+\.\d+", chinese)


def test_the_shell_s_line_of_the_readme_that_needs_no_server_runs(tmp_path: Path) -> None:
    ((command, answer),) = console_session(".venv/bin/python -m server.offline")
    assert answer == ""
    arguments, _, files = command.partition(" < ")
    assert files == "documents.jsonl > summaries.jsonl"
    line = json.dumps({"document": (ROOT / "examples" / "arxiv_en.txt").read_text("utf-8")})
    outcome = subprocess.run(
        [sys.executable, *shlex.split(arguments)[1:]],
        cwd=ROOT,
        input=line,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(outcome.stdout)["summary"]


@pytest.mark.parametrize("link", LOCAL_LINKS)
def test_a_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
