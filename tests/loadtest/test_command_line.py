"""The command line: what is wrong is told in one line, with a code of its own, before any load."""

from pathlib import Path

import pytest

from loadtest.__main__ import main
from loadtest.exits import Exit


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["run", "stedy"], Exit.USAGE, "did you mean steady?"),
        (["run", "smoke", "--set", "phases.0.usrs=3"], Exit.USAGE, "did you mean users?"),
        (["run", "smoke", "--cert", "x"], Exit.USAGE, "--cert and --key go together"),
        (["run", "smoke", "--ca", "/no/such"], Exit.TLS, "--ca /no/such: no such file"),
        (["run", "smoke", "--connections", "-1"], Exit.USAGE, "--connections"),
        (["run", "breakpoint", "--set", "slo={}"], Exit.NO_SLO, "[slo] table"),
        (["run", "smoke", "--set", "corpus.tokens=[9000,9001]"], Exit.EMPTY_CORPUS, "no document"),
        (["run", "smoke", "--target", "here"], Exit.USAGE, "HOST:PORT"),
        (["web", "smok"], Exit.USAGE, "did you mean smoke?"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_code(
    arguments: list[str], code: Exit, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("loadtest: ")
    assert said.err.count("\n") == 1
    assert told in said.err


def test_the_scenarios_are_listed_with_what_they_are_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["scenarios"]) == Exit.PASSED

    assert "\nsmoke        Ten seconds of one caller" in capsys.readouterr().out


def test_help_tells_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    said = capsys.readouterr().out
    assert all(f"\n  {code:3}  " in said for code in Exit)


@pytest.mark.parametrize("command", [["run", "smoke"], ["tour"]])
def test_an_output_that_cannot_be_made_is_told(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    assert main([*command, "--output", str(tmp_path / "file" / "x")]) == Exit.USAGE
    assert "--output" in capsys.readouterr().err
