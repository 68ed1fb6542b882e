"""The examples of the client's README, run as they stand."""

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest

from precis_client import channel
from precis_client.cli.parser import build_parser
from tests.fakes.scripted_summarizer import ScriptedServer

README = Path(__file__).parents[2] / "client" / "README.md"
TEXT = README.read_text("utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = re.findall(r"^\$ precis (.*)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_each_program_prints_what_the_server_answers(
    program: str,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = program.replace("localhost:50051", server.address)
    here = here.replace("Client()", f"Client({server.address!r})")
    module = ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)

    exec(compile(here, str(README), "exec"), vars(module))  # noqa: S102  # our own page

    assert "A short summary." in capsys.readouterr().out


def test_there_are_programs_and_commands_to_try() -> None:
    assert len(PROGRAMS) == 7
    assert len(COMMANDS) == 10


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_line_is_understood(command: str) -> None:
    words = shlex.split(re.split(r" [<>] ", command)[0])

    assert build_parser().parse_args(words).command == words[0]


def test_the_default_address_is_the_one_it_names() -> None:
    assert f"The server is `{channel.DEFAULT_ADDRESS}`" in TEXT
