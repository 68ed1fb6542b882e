"""The command line answers, teaches and refuses with one line."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from model.__main__ import main
from tests.export.family_bundles import FamilyBundle
from tests.model.factories import DATA, DEFAULT_CHECKPOINT, EXAMPLES


def test_summarize_prints_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summarize", str(EXAMPLES / "arxiv_en.txt"), "--max-tokens", "12"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "FlickCD" in out
    assert err == ""


def test_summarize_searches_with_beams_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    text = str(EXAMPLES / "arxiv_en.txt")
    arguments = ["--style", "headline", "--max-tokens", "6", "--length-penalty", "2"]
    assert main(["summarize", text, *arguments, "--num-beams", "3"]) == 0
    assert capsys.readouterr().out.strip()


def test_summarize_takes_the_checkpoints_own_rules_and_says_where_it_would_sample(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for path in DEFAULT_CHECKPOINT.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "generation_config.json").unlink()
    settings = {"max_length": 9, "min_length": 8, "do_sample": True, "forced_bos_token_id": 50}
    (tmp_path / "generation_config.json").write_text(json.dumps(settings), encoding="utf-8")
    document = str(EXAMPLES / "arxiv_en.txt")
    # min_length gives way: a default must never clash with what the caller did say.
    assert main(["summarize", document, "--checkpoint", str(tmp_path), "--max-tokens", "3"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("K")  # token 50, which the file forces
    assert "samples (do_sample)" in err


def test_summarize_reads_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO(b"The council approved the budget on Monday.")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content))
    assert main(["summarize", "-", "--style", "headline", "--max-tokens", "8"]) == 0
    assert capsys.readouterr().out.strip()


def test_evaluate_prints_scores_and_writes_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    data = DATA / "arxiv_tldr_zh.jsonl"
    assert main(["evaluate", "--data", str(data), "--limit", "2", "--json", str(report)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("all: 2 documents\n")
    for name in ("checkpoint", "lead", "textrank"):
        assert f"\n| {name} " in out
    content = json.loads(report.read_text(encoding="utf-8"))
    assert content["recipe"]["data"] == "arxiv_tldr_zh.jsonl"
    assert len(content["each"]) == 2


def test_evaluate_compares_rules_against_repetition(
    capsys: pytest.CaptureFixture[str], family_bundle: Callable[[str], FamilyBundle]
) -> None:
    data = str(DATA / "arxiv_tldr_en.jsonl")
    arguments = ["evaluate", str(family_bundle("bart").checkpoint), "--data", data, "--limit", "1"]
    rules = ["--repetition", "tokens-3", "words-3", "--vocabulary", data]
    assert main([*arguments, *rules, "--baselines"]) == 0
    out = capsys.readouterr().out
    assert "| less bart, tokens-3 |" in out
    assert "\n| bart, words-3 " in out


def test_evaluate_shows_lines_that_hold_no_record_and_leaves_them_out_if_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = (DATA / "arxiv_tldr_en.jsonl").read_text(encoding="utf-8").splitlines()[0]
    data = tmp_path / "pairs.jsonl"
    data.write_text(f"{{}}\n{record}\nnot json\n", encoding="utf-8")
    arguments = ["evaluate", "--data", str(data), "--baselines"]
    assert main(arguments) == 2
    assert "line 3: not JSON" in capsys.readouterr().err
    assert main([*arguments, "--on-bad-line", "skip"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("all: 1 document\n")
    assert "2 unusable lines\n  line 1: lacks document" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["summarize", "no-such-file.txt"], "no-such-file.txt"),
        (["summarize", str(EXAMPLES / "arxiv_en.txt"), "--style", "haiku"], "'haiku'"),
        (["summarize", str(EXAMPLES / "arxiv_en.txt"), "--max-tokens", "0"], "max_tokens"),
        (["summarize", str(EXAMPLES / "arxiv_en.txt"), "--num-beams", "0"], "num_beams"),
        (["inspect", "nowhere"], "nowhere"),
        (["summarize", str(EXAMPLES / "arxiv_en.txt"), "--checkpoint", "nowhere"], "nowhere"),
        (["evaluate", "--data", str(DATA / "arxiv_tldr_en.jsonl"), "--style", "x"], "no such"),
        (["evaluate", "--data", str(DATA / "arxiv_tldr_en.jsonl"), "--limit", "0"], "--limit"),
        (["evaluate", "docs", "--data", str(DATA / "arxiv_tldr_en.jsonl")], "neither a bundle"),
        (["evaluate", "--data", "x.jsonl", "--baselines", "random"], "'random'"),
        (["evaluate", "--data", "x.jsonl", "--json", "no/where.json"], "no directory no"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", [["summarize"], ["explain", "--output", "out"]])
def test_a_document_that_is_not_utf_8_is_refused_with_its_name(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9")
    assert main([*command, str(path)]) == 2
    assert capsys.readouterr().err == f"error: {path} is not UTF-8: byte 0xe9 at 3\n"


def test_a_command_that_is_interrupted_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(file: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("model.commands.summarize.read_document", interrupted)
    assert main(["summarize", "any.txt"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_an_empty_document_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "blank.txt"
    path.write_text(" \n", encoding="utf-8")
    assert main(["summarize", str(path)]) == 2
    assert "empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["evaluate", "--help"], ["inspect", "--help"]],
)
def test_help_shows_how(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_status:
        main(arguments)
    assert exit_status.value.code == 0
    assert "python -m model" in capsys.readouterr().out
