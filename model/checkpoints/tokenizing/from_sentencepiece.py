"""From a SentencePiece model to the same segmentation by the `tokenizers` library.

"SentencePiece: A simple and language independent subword tokenizer and detokenizer for Neural Text
Processing", Kudo and Richardson 2018. A family says which id each piece has; the rest is here.

Two differences remain. `normalizers.Precompiled` applies the model's character rules to
whole grapheme clusters where SentencePiece takes the longest match at each character. They agree
on text in NFC (all that `bundle.normalise` lets through) unless a combining mark follows a
character that has a rule of its own, such as a circled digit. And in BPE, not in unigram, the
text on both sides of a user-defined piece counts as words of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, Unigram

from model.checkpoints.tokenizing.sentencepiece import (
    SPACE,
    Algorithm,
    Kind,
    Piece,
    SentencePieceModel,
)

_HIDDEN = " "
"""Before a piece that has an id but must not be found in text.

Once the spaces of a text are `SPACE`, no text holds this character, so no text matches such a
piece. The decoder takes it away.
"""


def build(model: SentencePieceModel, vocabulary: Sequence[Piece], unknown_id: int) -> Tokenizer:
    """A tokenizer whose ids are places in `vocabulary` and whose rules are the model's."""
    pieces = [
        replace(piece, text=_HIDDEN + piece.text) if piece.kind is Kind.UNUSED else piece
        for piece in vocabulary
    ]
    make = _unigram if model.algorithm is Algorithm.UNIGRAM else _bpe
    tokenizer = Tokenizer(make(pieces, unknown_id, model.byte_fallback))
    tokenizer.normalizer = _normaliser(model)
    # Without pieces that go past a space, words can be segmented (and cached) one by one.
    within_words = not any(SPACE in piece.text[1:] for piece in pieces)
    scheme = "always" if model.add_dummy_prefix else "never"
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, scheme, split=within_words)
    tokenizer.decoder = _decoder(model, scheme, pieces)
    controls = [p.text for p in pieces if p.kind in (Kind.CONTROL, Kind.UNKNOWN)]
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in controls])
    if model.algorithm is Algorithm.BPE:
        defined = [piece.text for piece in pieces if piece.kind is Kind.USER_DEFINED]
        tokenizer.add_tokens([AddedToken(text, normalized=False) for text in defined])
    return tokenizer


def _unigram(pieces: Sequence[Piece], unknown_id: int, byte_fallback: bool) -> Unigram:
    # SentencePiece gives a user-defined piece a score that no other segmentation can reach.
    best = max((piece.score for piece in pieces if piece.kind is Kind.NORMAL), default=0.0)
    scores = {
        Kind.NORMAL: lambda piece: piece.score,
        Kind.USER_DEFINED: lambda piece: len(piece.text.encode()) * best - 0.1,
    }
    vocabulary = [(p.text, scores.get(p.kind, lambda piece: 0.0)(p)) for p in pieces]
    return Unigram(vocabulary, unk_id=unknown_id, byte_fallback=byte_fallback)


def _bpe(pieces: Sequence[Piece], unknown_id: int, byte_fallback: bool) -> BPE:
    ids = {piece.text: i for i, piece in enumerate(pieces)}
    return BPE(
        ids,
        _merges([piece for piece in pieces if piece.kind is Kind.NORMAL], ids),
        unk_token=pieces[unknown_id].text,
        fuse_unk=True,
        byte_fallback=byte_fallback,
    )


def _merges(pieces: Sequence[Piece], ids: Mapping[str, int]) -> list[tuple[str, str]]:
    """Every pair of pieces that makes a piece; the pair whose piece scores best goes first."""
    known = {piece.text for piece in pieces}
    merges = []
    for piece in pieces:
        halves = ((piece.text[:at], piece.text[at:]) for at in range(1, len(piece.text)))
        pairs = [(left, right) for left, right in halves if left in known and right in known]
        pairs.sort(key=lambda pair: (ids[pair[0]], ids[pair[1]]))
        merges += [(-piece.score, pair) for pair in pairs]
    merges.sort(key=lambda merge: merge[0])
    return [pair for _, pair in merges]


def _normaliser(model: SentencePieceModel) -> normalizers.Normalizer:
    rules = [normalizers.Precompiled(model.charsmap)] if model.charsmap else []
    if model.remove_extra_whitespaces:
        # Runs first: then one space at most is left at an end, and no search starts twice.
        rules += [
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Replace(Regex(r"\A | \z"), ""),
        ]
    return normalizers.Sequence(rules)


def _decoder(model: SentencePieceModel, scheme: str, pieces: Sequence[Piece]) -> decoders.Decoder:
    parts: list[decoders.Decoder] = [decoders.Metaspace(SPACE, scheme)]
    if model.byte_fallback:
        parts.insert(0, decoders.ByteFallback())
    if any(piece.text.startswith(_HIDDEN) for piece in pieces):
        parts.insert(0, decoders.Replace(_HIDDEN, ""))
    return parts[0] if len(parts) == 1 else decoders.Sequence(parts)
