"""`precis models`, `health` and `version`, and how the command line is read."""

import json
import shlex

import pytest

from precis_client import channel
from precis_client._convert import from_model
from precis_client._version import __version__
from precis_client.cli import config, main
from precis_client.cli.exits import ExitCode
from precis_client.cli.output import model_as_text
from precis_client.cli.parser import build_parser
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import ScriptedServer

Captured = pytest.CaptureFixture[str]


def test_models_are_described_in_a_few_lines(server: ScriptedServer, capsys: Captured) -> None:
    assert main(["models", "--address", server.address]) == 0

    assert capsys.readouterr().out == (
        "scripted 1.2.3\n"
        "  Answers by script.\n"
        "  languages: en, zh\n"
        "  limits: 1022 source tokens, 128 summary tokens, 100000 bytes\n"
        "  runs on: CPUExecutionProvider in int8 on avx2\n"
        "  can also: sampling\n"
        "  styles:\n"
        "    brief (default): One sentence.\n"
        "    headline: A title.\n"
    )


def test_a_model_that_fell_back_to_the_cpu_says_why() -> None:
    fallen = pb.Model(
        actual_provider="CPUExecutionProvider",
        precision="fp16",
        provider_fallback=True,
        provider_fallback_reason="no NVIDIA GPU is visible",
    )

    line = "  runs on: CPUExecutionProvider in fp16 (fell back: no NVIDIA GPU is visible)\n"
    assert line in model_as_text(from_model(fallen))


def test_a_model_that_can_nothing_more_decodes_greedily() -> None:
    plain = from_model(pb.Model(name="plain"))

    assert "\n  greedy decoding only\n" in model_as_text(plain)


def test_models_as_json_say_everything(server: ScriptedServer, capsys: Captured) -> None:
    main(["models", "--address", server.address, "--json"])

    (printed,) = json.loads(capsys.readouterr().out)
    assert printed["limits"]["max_batch_in_flight"] == 8
    assert printed["styles"][0]["default_options"]["no_repeat_ngram_size"] == 3


def test_health_is_zero_only_when_serving(server: ScriptedServer, capsys: Captured) -> None:
    server.set_health("summarizer.v1.Summarizer", is_serving=False)
    service = ["--service", "summarizer.v1.Summarizer"]

    assert main(["health", "--address", server.address]) == 0
    assert main(["health", "--address", server.address, *service]) == 1
    assert main(["health", "--address", server.address, "--service", "no.such"]) != 0

    assert capsys.readouterr().out == "SERVING\nNOT_SERVING\n"


def test_health_as_json_has_the_same_word_and_exit_code(
    server: ScriptedServer, capsys: Captured
) -> None:
    server.set_health("", is_serving=False)

    assert main(["health", "--address", server.address, "--json"]) == 1

    assert json.loads(capsys.readouterr().out) == {"service": "", "status": "NOT_SERVING"}


def test_health_of_a_server_that_is_not_there_is_told(
    unused_address: str, capsys: Captured
) -> None:
    assert main(["health", "--address", unused_address]) == 3

    assert capsys.readouterr().err.startswith(f"precis: cannot reach {unused_address}")


def test_version_names_what_it_runs_on(capsys: Captured) -> None:
    assert main(["version"]) == 0

    assert capsys.readouterr().out.startswith(f"precis {__version__} (grpcio ")


def test_version_is_an_option_too(capsys: Captured) -> None:
    main(["version"])
    from_command = capsys.readouterr()

    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr() == from_command


def test_the_address_may_stand_before_or_after_the_command(server: ScriptedServer) -> None:
    assert main(["--address", server.address, "health"]) == 0
    assert main(["health", "--address", server.address]) == 0


def test_an_address_after_the_command_wins_over_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECIS_ADDRESS", "nowhere.invalid:1")

    assert main(["health", "--address", server.address]) == 0


@pytest.mark.parametrize("value", [None, ""])
def test_without_an_address_the_default_is_that_of_the_client(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("PRECIS_ADDRESS", raising=False)
    else:
        monkeypatch.setenv("PRECIS_ADDRESS", value)

    address = build_parser().parse_args(["health"]).address

    assert address == config.DEFAULT_ADDRESS == channel.DEFAULT_ADDRESS


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "precis: the following arguments are required: COMMAND (see precis --help)\n"),
        (
            ["summarize"],
            "precis summarize: the following arguments are required: FILE "
            "(see precis summarize --help)\n",
        ),
        (
            ["health", "--timeout", "0"],
            "precis health: argument --timeout: '0' is not above 0 (see precis health --help)\n",
        ),
        (
            ["health", "--timeout", "soon"],
            "precis health: argument --timeout: 'soon' is not a number of seconds "
            "(see precis health --help)\n",
        ),
        (
            ["summarize", "x", "--top-k", "many"],
            "precis summarize: argument --top-k: invalid int value: 'many' "
            "(see precis summarize --help)\n",
        ),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(
    arguments: list[str], complaint: str, capsys: Captured
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert capsys.readouterr() == ("", complaint)


@pytest.mark.parametrize("command", [[], ["summarize"], ["models"], ["health"], ["version"]])
def test_help_teaches_by_examples_and_tells_every_exit_code(
    command: list[str], capsys: Captured
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])

    assert ended.value.code == 0
    shown = capsys.readouterr().out
    told = shown.partition("exit codes:\n")[2].splitlines()
    assert [int(line.split()[0]) for line in told] == list(ExitCode)
    assert "PRECIS_ADDRESS" in shown
    if command in ([], ["summarize"]):
        assert "  precis summarize article.txt\n" in shown
    if command == ["summarize"]:
        assert "refused by name (see `precis models`)" in shown
        assert "--beams 4 keeps four beginnings" in shown


def test_the_examples_of_the_help_are_command_lines_that_parse() -> None:
    parser = build_parser()
    epilogs = [parser.epilog or ""]
    (choices,) = (action.choices for action in parser._actions if action.choices)
    epilogs += [sub.epilog or "" for sub in choices.values()]  # type: ignore[union-attr]

    examples = [
        line.strip() for epilog in epilogs for line in epilog.splitlines() if "  precis " in line
    ]

    assert len(examples) > 8
    for example in examples:
        words = shlex.split(example.split("|")[0].split("<")[0].split(">")[0])
        assert parser.parse_args(words[1:]).command == words[1]
