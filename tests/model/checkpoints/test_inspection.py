"""`python -m model inspect` says what a directory is, and its exit status whether it runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from model.__main__ import main
from model.checkpoints.inspection import inspect
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.model.checkpoints.families.builders import FAMILIES, build
from tests.model.factories import DEFAULT_CHECKPOINT

NAMES = {
    "bart": "BART",
    "distilbart": "BART",
    "mbart": "mBART",
    "pegasus": "PEGASUS",
    "marian": "Marian",
    "t5": "T5",
    "flan-t5": "T5",
    "mt5": "mT5",
    "led": "LED",
}


def make(family: str, directory: Path) -> Any:
    """A tiny checkpoint with a tokenizer of one word."""
    tokenizer = Tokenizer(WordLevel({"word": 0}))
    tokenizer.save(str(directory / "tokenizer.json"))
    return build(family, directory)


def test_the_embedded_checkpoint_is_told_in_full() -> None:
    found = inspect(DEFAULT_CHECKPOINT).to_dict()
    assert found["supported"]
    assert found["network"]["family"] == "PEGASUS"
    assert found["weights"]["parameters"] == 42_031_617
    assert found["weights"]["types"] == ["F16"]
    assert found["tokenizer"] == {"tokenizer": "tokenizer.json: BPE, 20000 tokens"}
    assert found["source"]["styles"] == ["brief", "detailed", "headline", "paper"]
    assert found["generation"]["no_repeat_ngram_size"] == 3
    assert found["uses"] == {"trains": "yes", "exports": "yes", "serves": "yes"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_known_and_its_parameters_are_counted(family: str, tmp_path: Path) -> None:
    theirs = make(family, tmp_path)
    found = inspect(tmp_path)
    assert found.supported
    assert found.sections["network"]["family"] == NAMES[family]
    learned = {p.data_ptr(): p.numel() for p in theirs.parameters() if p.requires_grad}
    assert found.sections["weights"]["parameters"] == sum(learned.values())
    assert found.sections["tokenizer"]["tokenizer"] == "tokenizer.json: WordLevel, 1 tokens"


def test_without_a_tokenizer_or_what_makes_one_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    build("bart", tmp_path)
    found = inspect(tmp_path)
    assert not found.supported
    assert "no vocab.json and no merges.txt" in str(found.problem)


def test_a_tokenizer_that_is_broken_is_the_problem_that_is_told(tmp_path: Path) -> None:
    build("bart", tmp_path)
    for content in ("{oops", '{"model": {"type": "BPE", "vocab": {}}, "added_tokens": []}'):
        (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
        assert "tokenizer.json" in str(inspect(tmp_path).problem)


def test_an_unsupported_family_is_named_even_without_weights_that_can_be_read(
    tmp_path: Path,
) -> None:
    config = '{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}'
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    found = inspect(tmp_path)
    assert "LlamaForCausalLM" in str(found.problem)
    assert "safetensors" in found.sections["weights"]["problem"]


def test_a_checkpoint_that_the_server_would_break_the_rules_of_runs_but_is_not_served(
    tmp_path: Path,
) -> None:
    make("bart", tmp_path)
    settings = '{"encoder_no_repeat_ngram_size": 3}'
    (tmp_path / "generation_config.json").write_text(settings, encoding="utf-8")
    found = inspect(tmp_path)
    assert found.supported
    assert found.sections["uses"]["serves"] == "no: encoder_no_repeat_ngram_size=3"


def test_beams_are_told_where_the_server_takes_none(tmp_path: Path) -> None:
    make("bart", tmp_path)
    (tmp_path / "generation_config.json").write_text('{"num_beams": 4}', encoding="utf-8")
    served = inspect(tmp_path).sections["uses"]["serves"]
    assert served == "yes, with its 4 beams unless bundle.toml says otherwise"


def write_config(directory: Path, **values: Any) -> None:
    (directory / "config.json").write_text(json.dumps(values), encoding="utf-8")


def test_another_family_is_readable_with_the_reason_and_the_closest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build("t5", tmp_path)
    write_config(tmp_path, architectures=["LongT5ForConditionalGeneration"], model_type="longt5")
    assert main(["inspect", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "LongT5ForConditionalGeneration is not supported" in out
    assert re.search(r"closest family +LED", out)
    assert re.search(r"parameters +[\d,]+", out)


def test_generation_settings_that_we_lack_make_a_checkpoint_unsupported(tmp_path: Path) -> None:
    make("bart", tmp_path)
    (tmp_path / "generation_config.json").write_text('{"penalty_alpha": 0.6}', encoding="utf-8")
    found = inspect(tmp_path)
    assert found.problem is not None
    assert "penalty_alpha=0.6 is not supported" in found.problem
    assert found.sections["network"]["family"] == "BART"


def break_nothing_there(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()


def break_config(directory: Path) -> None:
    (directory / "config.json").write_bytes(b"\xff{")


def break_shapes(directory: Path) -> None:
    path = directory / "model.safetensors"
    tensors = load_file(path)
    tensors["model.shared.weight"] = tensors["model.shared.weight"][1:].contiguous()
    save_file(tensors, path)


def break_weights(directory: Path) -> None:
    (directory / "model.safetensors").write_bytes(b"not tensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_nothing_there, r"neither config.json.* nor manifest.json"),
        (break_config, r"config\.json: not JSON in UTF-8"),
        (break_shapes, r"shared\.weight is \(63, 16\), should be \(64, 16\)"),
        (break_weights, "model.safetensors cannot be read"),
    ],
)
def test_what_is_broken_is_an_error_with_status_2(
    tmp_path: Path, damage: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make("bart", tmp_path)
    damage(tmp_path)
    assert main(["inspect", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(message, err)


def test_a_bundle_is_told_as_a_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(DEFAULT_BUNDLE), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["bundle"]["name"]) == ("bundle", "precis-default")
    assert found["styles"]["brief"]["before"] == [5]
    assert found["verification"]["passed"]


def test_a_broken_bundle_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    assert main(["inspect", str(tmp_path)]) == 2
    assert "format_version None found" in capsys.readouterr().err


def test_a_person_reads_numbers_words_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(DEFAULT_CHECKPOINT)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"parameters +42,031,617\n", out)
    assert re.search(r"copy head +yes\n", out)
    assert re.search(r"styles +brief, detailed, headline, paper\n", out)
