"""What each family makes of its SentencePiece model: which id is which piece, and what is put
round a document.

The ids are those of transformers' slow tokenizers, which the checkpoints were trained with; each
function names the one it follows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tokenizers import Tokenizer, processors

from model.checkpoints.tokenizing.byte_level import build_byte_level
from model.checkpoints.tokenizing.declared import Declared, TokenizerError, read_json_object
from model.checkpoints.tokenizing.from_sentencepiece import build
from model.checkpoints.tokenizing.sentencepiece import Kind, Piece, read_sentencepiece

# mBART's language codes, in the order of their ids after the SentencePiece vocabulary.
_MBART_25 = tuple(
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT "
    "lv_LV my_MM ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN".split()
)
_MBART_50 = _MBART_25 + tuple(
    "af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF "
    "pt_XX sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI".split()
)


@dataclass(frozen=True)
class Recipe:
    """The files a family's tokenizer is built from, and how."""

    files: tuple[str, ...]
    build: Callable[[Declared], Tokenizer]


def _build_pegasus(declared: Declared) -> Tokenizer:
    """PegasusTokenizer: `offset` ids of pre-training stand between `</s>` and the model's pieces.

    0 <pad>, 1 </s>, 2 <mask_1>, 3 <mask_2>, then <unk_2> and so on up to id offset + 1; the
    model's piece i, from its <unk> at 2 on, has id i + offset.
    """
    model = read_sentencepiece(declared.path("spiece.model"))
    offset = declared.number("offset", 103)
    head = [declared.token("pad_token", "<pad>"), declared.token("eos_token", "</s>")]
    if offset and (of_sentence := declared.token("mask_token_sent", "<mask_1>")) is not None:
        head += [of_sentence, declared.token("mask_token", "<mask_2>")]
    head += [f"<unk_{2 + i}>" for i in range(offset + 2 - len(head))]
    tokenizer = build(model, [*map(_special, head), *model.pieces[2:]], 2 + offset)
    return _surrounded(tokenizer, (), (head[1],))


def _build_t5(declared: Declared) -> Tokenizer:
    """T5Tokenizer: after the model's pieces come the sentinels, the last one first.

    mT5's model holds its sentinels itself.
    """
    model = read_sentencepiece(declared.path("spiece.model"))
    count = declared.number("extra_ids", 0 if declared.family == "mt5" else 100)
    sentinels = [_special(f"<extra_id_{i}>") for i in reversed(range(count))]
    tokenizer = build(model, [*model.pieces, *sentinels], _unknown_id(model.pieces))
    return _surrounded(tokenizer, (), (declared.token("eos_token", "</s>"),))


def _build_mbart(declared: Declared) -> Tokenizer:
    """MBartTokenizer and MBart50Tokenizer: fairseq's order of the first four, languages last.

    mBART-25 reads `document </s> language`, mBART-50 `language document </s>`.
    """
    model = read_sentencepiece(declared.path("sentencepiece.bpe.model"))
    pieces = [
        *map(_special, ("<s>", "<pad>", "</s>")),
        Piece("<unk>", 0.0, Kind.UNKNOWN),
        *model.pieces[3:],
    ]
    is_50 = _is_mbart_50(declared, len(pieces))
    languages = _MBART_50 if is_50 else _MBART_25
    tokenizer = build(model, [*pieces, *map(_special, (*languages, "<mask>"))], 3)
    language = declared.token("src_lang", None) or "en_XX"
    if language not in languages:
        path = declared.path("tokenizer_config.json")
        raise TokenizerError(f"{path}: src_lang {language!r} is none of {', '.join(languages)}")
    around = ((language,), ("</s>",)) if is_50 else ((), ("</s>", language))
    return _surrounded(tokenizer, *around)


def _is_mbart_50(declared: Declared, num_pieces: int) -> bool:
    """By the class that the checkpoint names, else by which of the two fits the embedding."""
    named = str(declared.tokenizer_config.get("tokenizer_class", "")).removesuffix("Fast")
    if named in ("MBartTokenizer", "MBart50Tokenizer"):
        return named == "MBart50Tokenizer"
    sizes = {num_pieces + len(codes) + 1: codes is _MBART_50 for codes in (_MBART_25, _MBART_50)}
    if declared.embedding_rows not in sizes:
        raise TokenizerError(
            f"{declared.directory}: with mBART's languages there are {' or '.join(map(str, sizes))}"
            f" tokens, but vocab_size is {declared.embedding_rows}; name the tokenizer_class in "
            "tokenizer_config.json (MBartTokenizer or MBart50Tokenizer)"
        )
    return sizes[declared.embedding_rows]


def _build_marian(declared: Declared) -> Tokenizer:
    """MarianTokenizer: source.spm says how text is cut, vocab.json which id a piece has.

    A piece of the target language alone can be decoded but is never found in a document. (A piece
    of source.spm that vocab.json lacks is unknown to MarianTokenizer; here it falls into smaller
    ones.)
    """
    if declared.tokenizer_config.get("separate_vocabs"):
        raise TokenizerError(
            f"{declared.directory}: separate_vocabs is true: a vocabulary for each side would need "
            "two embeddings; checkpoints with one shared vocabulary are supported"
        )
    path = declared.path("vocab.json")
    ids = read_json_object(path)
    if sorted(ids.values()) != list(range(len(ids))):
        raise TokenizerError(f"{path}: the ids are not 0 to {len(ids) - 1}, each once")
    model = read_sentencepiece(declared.path("source.spm"))
    read_sentencepiece(declared.path("target.spm"))  # nothing of it is needed, but it must be one
    found = {piece.text: piece for piece in model.pieces}
    unknown, end, pad = (
        declared.token(role, default)
        for role, default in (("unk_token", "<unk>"), ("eos_token", "</s>"), ("pad_token", "<pad>"))
    )
    if missing := [text for text in (unknown, end, pad) if text not in ids]:
        raise TokenizerError(f"{path} lacks the special tokens {', '.join(map(str, missing))}")
    vocabulary = []
    for text in sorted(ids, key=ids.__getitem__):
        if text in (unknown, end, pad) or (text.startswith(">>") and text.endswith("<<")):
            vocabulary.append(_special(text))
        else:
            vocabulary.append(found.get(text, Piece(text, 0.0, Kind.UNUSED)))
    return _surrounded(build(model, vocabulary, ids[unknown]), (), (end,))


def _special(text: str | None) -> Piece:
    return Piece(str(text), 0.0, Kind.CONTROL)


def _unknown_id(pieces: tuple[Piece, ...]) -> int:
    return next(i for i, piece in enumerate(pieces) if piece.kind is Kind.UNKNOWN)


def _surrounded(tokenizer: Tokenizer, before: tuple, after: tuple) -> Tokenizer:
    around = [(text, tokenizer.token_to_id(text)) for text in dict.fromkeys((*before, *after))]
    if unknown := [text for text, token_id in around if token_id is None]:
        raise TokenizerError(f"the vocabulary lacks {', '.join(map(str, unknown))}")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[*before, "$A", *after], pair=[*before, "$A", "$B", *after], special_tokens=around
    )
    return tokenizer


_BYTE_LEVEL = Recipe(("vocab.json", "merges.txt"), build_byte_level)
_T5 = Recipe(("spiece.model",), _build_t5)

RECIPES = {
    "bart": _BYTE_LEVEL,
    "led": _BYTE_LEVEL,
    "marian": Recipe(("source.spm", "target.spm", "vocab.json"), _build_marian),
    "mbart": Recipe(("sentencepiece.bpe.model",), _build_mbart),
    "mt5": _T5,
    "pegasus": Recipe(("spiece.model",), _build_pegasus),
    "t5": _T5,
}
"""By `model_type` of config.json."""
