"""A summary of the default model, explained."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.__main__ import main
from model.checkpoints.tokenizing.ensure import ensure_tokenizer
from model.decoding.decoding_options import GreedyOptions
from model.explain.explanation import COPY, ExplanationError, explain, joined
from model.network.transformer import Summarizer
from model.text_summarizer import TextSummarizer
from tests.model.checkpoints.families.builders import build
from tests.model.checkpoints.tokenizing.checkpoints import MAKERS
from tests.model.factories import EXAMPLES

OPTIONS = GreedyOptions(max_tokens=16, no_repeat_ngram_size=3)
DOCUMENT = (EXAMPLES / "arxiv_en.txt").read_text(encoding="utf-8")


def test_what_is_explained_is_the_summary_that_is_given(
    default_summarizer: TextSummarizer,
) -> None:
    explanation = explain(default_summarizer, DOCUMENT, "brief", OPTIONS)
    assert explanation.text == default_summarizer.summarize(DOCUMENT, "brief", OPTIONS)
    assert next(iter(explanation.views)) == COPY
    assert len(explanation.views) == 1 + default_summarizer.model.config.decoder_layers
    for weights in explanation.views.values():
        assert weights.shape == (len(explanation.summary), len(explanation.source))
        torch.testing.assert_close(weights.sum(-1), torch.ones(len(weights)))


def test_a_copied_name_looked_at_that_name(default_summarizer: TextSummarizer) -> None:
    explanation = explain(default_summarizer, DOCUMENT, "brief", OPTIONS)
    assert explanation.summary[0].text == "FlickCD"
    best = explanation.source[int(explanation.views[COPY][0].argmax())]
    assert "FlickCD" in best.text
    assert explanation.gate[0] > 0.5
    assert [word.text for word in explanation.source if word.is_special] == ["brief", "end"]


def test_a_model_without_a_copy_head_is_explained_by_its_cross_attention(
    default_summarizer: TextSummarizer,
) -> None:
    plain = copy.copy(default_summarizer)
    plain.model = Summarizer(replace(plain.model.config, copy_head=False)).eval()
    plain.model.load_state_dict(default_summarizer.model.state_dict(), strict=False)
    explanation = explain(plain, DOCUMENT[:300], "brief", replace(OPTIONS, max_tokens=4))
    assert explanation.gate is None
    assert COPY not in explanation.views


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_a_network_of_another_family_is_explained_in_words(family: str, tmp_path: Path) -> None:
    MAKERS[family](tmp_path)
    build(family, tmp_path, seed=1, vocab_size=2_000)
    ensure_tokenizer(tmp_path)
    document = "We propose new models, e.g. for images."
    explanation = explain(TextSummarizer(tmp_path), document, None, OPTIONS)
    assert document in joined(explanation.source)
    assert [word.text for word in explanation.source if "mod" in word.text] == ["models"]
    for weights in explanation.views.values():
        torch.testing.assert_close(weights.sum(-1), torch.ones(len(weights)))


def test_a_summary_without_words_is_refused(default_summarizer: TextSummarizer) -> None:
    everything = tuple(range(2, default_summarizer.model.config.vocabulary_size))
    options = replace(OPTIONS, max_tokens=1, banned_ids=everything)
    with pytest.raises(ExplanationError, match="no words"):
        explain(default_summarizer, "A text.", "brief", options)


def test_the_command_writes_a_page_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wicked.txt"
    path.write_text("We propose <script>alert(1)</script>, a new $model$.", encoding="utf-8")
    arguments = ["explain", str(path), "--output", str(tmp_path / "out"), "--max-tokens", "12"]
    assert main(arguments) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[1:] == [str(tmp_path / "out" / f"wicked.{kind}") for kind in ("html", "png")]
    assert (tmp_path / "out" / "wicked.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "out" / "wicked.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert page.count("<script") == 2


@pytest.mark.parametrize("layer", ["0", "4", "-1"])
def test_a_layer_that_is_not_there_is_refused(
    layer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = str(EXAMPLES / "arxiv_en.txt")
    assert main(["explain", document, "--output", str(tmp_path), "--layer", layer]) == 2
    assert f"--layer is {layer}; the decoder has layers 1 to 3" in capsys.readouterr().err
