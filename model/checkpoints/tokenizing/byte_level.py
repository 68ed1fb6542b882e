"""Byte-level BPE from vocab.json and merges.txt: BART and LED.

"Language Models are Unsupervised Multitask Learners", Radford et al. 2019, section 2.2: text is
its UTF-8 bytes, so nothing is unknown.
"""

from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE

from model.checkpoints.tokenizing.declared import Declared, TokenizerError, read_json_object

_SPECIAL = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "mask_token": "<mask>",
}


def build_byte_level(declared: Declared) -> Tokenizer:
    """A document becomes `<s> document </s>`; the same ids as transformers' BartTokenizer."""
    path = declared.path("vocab.json")
    vocabulary = read_json_object(path)
    roles = {role: declared.token(role, default) for role, default in _SPECIAL.items()}
    texts = {text for text in roles.values() if text is not None}
    if missing := sorted(texts - vocabulary.keys()):
        raise TokenizerError(f"{path} lacks the special tokens {', '.join(missing)}")
    tokenizer = Tokenizer(BPE(vocabulary, _read_merges(declared.path("merges.txt"), vocabulary)))
    spaced = bool(declared.tokenizer_config.get("add_prefix_space", False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    tokenizer.decoder = decoders.ByteLevel()
    start, end = roles["cls_token"], roles["sep_token"]
    tokenizer.post_processor = processors.RobertaProcessing(
        sep=(end, vocabulary[end]), cls=(start, vocabulary[start]), add_prefix_space=spaced
    )
    tokenizer.add_special_tokens(
        # The mask stands for a word with the space before it.
        [
            AddedToken(text, lstrip=text == roles["mask_token"], normalized=False)
            for text in sorted(texts, key=vocabulary.__getitem__)
        ]
    )
    return tokenizer


def _read_merges(path: Path, vocabulary: dict[str, int]) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path} is not UTF-8: {error}") from error
    merges = []
    for number, line in enumerate(lines, start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        left, *rest = line.split(" ")
        if len(rest) != 1 or not {left, rest[0], left + rest[0]} <= vocabulary.keys():
            raise TokenizerError(f"{path} line {number}: {line!r} merges no two known tokens")
        merges.append((left, rest[0]))
    return merges
