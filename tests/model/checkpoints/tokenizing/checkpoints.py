"""Checkpoint directories with a small tokenizer in the files that each family once came with."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

EXAMPLES = sorted(str(path) for path in Path("examples").glob("*.txt"))


def sentencepiece_model(**options: Any) -> bytes:
    """A small model trained on the examples."""
    content = io.BytesIO()
    defaults = {"vocab_size": 400, "character_coverage": 0.98, "hard_vocab_limit": False}
    sentencepiece.SentencePieceTrainer.train(
        model_writer=content, minloglevel=2, **{"input": EXAMPLES, **defaults, **options}
    )
    return content.getvalue()


def pegasus(directory: Path, **options: Any) -> transformers.PreTrainedTokenizer:
    # PEGASUS's own order of the first three, and its line break.
    order = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "user_defined_symbols": ["<n>"]}
    path = _write(directory, "pegasus", "spiece.model", sentencepiece_model(**order | options))
    return transformers.PegasusTokenizer(str(path))


def t5(directory: Path, family: str = "t5", **options: Any) -> transformers.PreTrainedTokenizer:
    order = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    path = _write(directory, family, "spiece.model", sentencepiece_model(**order | options))
    return transformers.T5Tokenizer(str(path), extra_ids=0 if family == "mt5" else 100, legacy=True)


def mt5(directory: Path) -> transformers.PreTrainedTokenizer:
    return t5(directory, "mt5", byte_fallback=True)


def mbart(directory: Path, **options: Any) -> transformers.PreTrainedTokenizer:
    model = sentencepiece_model(**options)
    path = _write(directory, "mbart", "sentencepiece.bpe.model", model)
    _declare(directory, tokenizer_class="MBartTokenizer", src_lang="zh_CN")
    return transformers.MBartTokenizer(str(path), src_lang="zh_CN")


def mbart_50(directory: Path) -> transformers.PreTrainedTokenizer:
    path = _write(directory, "mbart", "sentencepiece.bpe.model", sentencepiece_model())
    _declare(directory, tokenizer_class="MBart50TokenizerFast")
    return transformers.MBart50Tokenizer(str(path))


def bpe(directory: Path) -> transformers.PreTrainedTokenizer:
    """Any family's SentencePiece model may be BPE instead of unigram."""
    return mbart(directory, model_type="bpe", vocab_size=600)


def marian(directory: Path) -> transformers.PreTrainedTokenizer:
    source, target = sentencepiece_model(), sentencepiece_model(vocab_size=300, input=EXAMPLES[:1])
    _write(directory, "marian", "source.spm", source)
    _write(directory, "marian", "target.spm", target)
    pieces = {}
    for content in (target, source):
        model = sentencepiece.SentencePieceProcessor(model_proto=content)
        pieces |= dict.fromkeys(model.id_to_piece(i) for i in range(3, len(model)))
    texts = ["</s>", "<unk>", *sorted(pieces), ">>fra<<", "<pad>"]
    (directory / "vocab.json").write_text(json.dumps({text: i for i, text in enumerate(texts)}))
    files = (str(directory / name) for name in ("source.spm", "target.spm", "vocab.json"))
    return transformers.MarianTokenizer(*files)


def bart(directory: Path, family: str = "bart") -> transformers.PreTrainedTokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train(EXAMPLES, trainer)
    _write(directory, family, "unused", b"")
    tokenizer.model.save(str(directory))
    files = (str(directory / name) for name in ("vocab.json", "merges.txt"))
    return transformers.BartTokenizer(*files)


@dataclass(frozen=True)
class Case:
    """A family's checkpoint, and the tokenizer of transformers that defines its ids."""

    directory: Path
    oracle: transformers.PreTrainedTokenizer


MAKERS: dict[str, Callable[[Path], transformers.PreTrainedTokenizer]] = {
    "bart": bart,
    "bpe": bpe,
    "marian": marian,
    "mbart": mbart,
    "mbart-50": mbart_50,
    "mt5": mt5,
    "pegasus": pegasus,
    "t5": t5,
}


def _write(directory: Path, family: str, name: str, content: bytes) -> Path:
    config = {"model_type": family, "vocab_size": 2000}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / name).write_bytes(content)
    return directory / name


def _declare(directory: Path, **values: Any) -> None:
    (directory / "tokenizer_config.json").write_text(json.dumps(values))
