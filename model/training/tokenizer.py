"""A new tokenizer from a run's own texts: byte-level BPE, as the default model's.

"Neural Machine Translation of Rare Words with Subword Units", Sennrich et al. 2016, over bytes
("Language Models are Unsupervised Multitask Learners", Radford et al. 2019), so no text is unknown.
Han characters are kept apart from everything else first: a token never mixes the two.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from bundle.normalise import normalise
from model.training.config import TokenizerConfig, TrainingConfigError
from model.training.data import GAP, MASK

PAD, END = "<pad>", "</s>"
_BYTES = 256


def train_tokenizer(texts: Iterable[str], config: TokenizerConfig, shown: bool) -> Tokenizer:
    """Train on the first `max_characters` of the texts, normalised as documents will be.

    The ids begin with <pad>, </s>, <mask>, <gap> and the styles, such as <brief>.
    """
    special = special_tokens(config.styles)
    if config.vocabulary_size < len(special) + _BYTES:
        raise TrainingConfigError(
            f"vocabulary_size is {config.vocabulary_size}; the special tokens and the bytes "
            f"alone are {len(special) + _BYTES}"
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{Han}+|[^\p{Han}]+"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocabulary_size,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=shown,
    )
    tokenizer.train_from_iterator(_first(texts, config.max_characters), trainer)
    return tokenizer


def special_tokens(styles: Sequence[str]) -> list[str]:
    """The tokens that stand before all others, in the order of their ids."""
    return [PAD, END, MASK, GAP, *(f"<{style}>" for style in styles)]


def save_tokenizer(tokenizer: Tokenizer, directory: Path, max_positions: int) -> None:
    """Write tokenizer.json and tokenizer_config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    values = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        "mask_token": MASK,
        "model_max_length": max_positions,
        "clean_up_tokenization_spaces": False,
    }
    text = json.dumps(values, indent=2) + "\n"
    (directory / "tokenizer_config.json").write_text(text, encoding="utf-8")


def _first(texts: Iterable[str], max_characters: int) -> Iterator[str]:
    for text in texts:
        normal = normalise(text)[:max_characters]
        yield normal
        max_characters -= len(normal)
        if max_characters <= 0:
            return
