"""Attribution in a job: a document is prepared when it is read, and traced when it is joined."""

from collections.abc import Iterable, Iterator, Sequence

from bundle.manifest import Style
from bundle.normalise import Normalised, normalised
from bundle.tokenizer import BundleTokenizer
from server.decoding.strategy import Hypothesis, Look
from server.jobs.composing import Composition, Written
from server.text.attribution import Piece, Source, attribute
from server.text.detokenise import whole_text
from server.text.structure import Sentence, Structure, split
from server.types import (
    Attribution,
    AttributionKind,
    AttributionLevel,
    SourceSpan,
    TextSpan,
)


def source_of(
    part: str,
    offset: int,
    style: Style,
    tokenizer: BundleTokenizer,
    level: AttributionLevel,
    *,
    most_tokens: int | None = None,
) -> Source:
    """A part of a document, which starts at an offset in it, prepared to be pointed into.

    The model reads at most so many tokens of it. How they divide may depend on what comes after.
    """
    found = normalised(part)
    sentences = _sentences(part, found) if level is AttributionLevel.SENTENCE else None
    return Source(found, offset, _tokens(found.text, style, tokenizer, most_tokens), sentences)


def source_of_sentences(
    structure: Structure,
    sentences: Sequence[Sentence],
    style: Style,
    tokenizer: BundleTokenizer,
    level: AttributionLevel,
    *,
    most_tokens: int,
) -> Source:
    """Sentences of a document, read one after the other, prepared to be pointed into."""
    read = _joined(stretch for each in sentences for stretch in structure.stretches(each))
    found = normalised(read.text).back_to(read)
    spans = [TextSpan(*found.image(each.start, each.end)) for each in sentences]
    tokens = _tokens(found.text, style, tokenizer, most_tokens)
    return Source(found, 0, tokens, spans if level is AttributionLevel.SENTENCE else None)


def _joined(stretches: Iterable[tuple[int, str]]) -> Normalised:
    """Stretches of a text, each with where it starts there, with a space between them."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, stretch in stretches:
        if starts:
            starts.append(ends[-1])
            ends.append(start)
        text.append(stretch)
        starts += range(start, start + len(stretch))
        ends += range(start + 1, start + len(stretch) + 1)
    return Normalised(" ".join(text), starts, ends)


def _tokens(
    text: str, style: Style, tokenizer: BundleTokenizer, most: int | None = None
) -> list[TextSpan | None]:
    """Where each token that the encoder reads stands in a normalised text."""
    before = style.prefix_text or ""
    spans = [
        (max(0, start - len(before)), end - len(before))
        for start, end in tokenizer.spans(before + text)[:most]
    ]
    return [
        *[None] * len(style.prefix_ids),
        *_visible(text, spans),
        *[None] * len(style.suffix_ids),
    ]


def attributions(
    text: str,
    tokens: Sequence[int],
    looks: Sequence[Look | None],
    source: Source,
    tokenizer: BundleTokenizer,
    *,
    sentences: Sequence[TextSpan] | None = None,
) -> list[Attribution]:
    """Traces a summary, which was written of a source with these looks: all of it, or sentences."""
    decoded = tokenizer.decode(tokens)
    num_dropped = len(decoded) - len(decoded.lstrip())
    spans = [(start - num_dropped, end - num_dropped) for start, end in tokenizer.spans_of(tokens)]
    pieces = [
        Piece(span, None, None)
        if look is None
        else Piece(span, source.tokens[look.place], look.gate)
        for span, look in zip(_visible(text, spans), looks, strict=True)
        if span is not None
    ]
    return attribute(text, pieces, source, sentences=sentences)


def composed_attributions(
    composition: Composition,
    written: Sequence[Hypothesis],
    sources: Sequence[Source | None],
    tokenizer: BundleTokenizer,
) -> Iterator[Attribution]:
    """Traces each sentence of a summary that was put together.

    What is quoted is copied whole; the others are traced to the window that they were written of.
    """
    found: dict[Written, Attribution] = {}
    for number, (best, source) in enumerate(zip(written, sources, strict=True)):
        chosen = [each.span for each in composition.written if each and each.window == number]
        if source is not None and chosen:
            text = whole_text(tokenizer, best.tokens)
            traced = attributions(
                text, best.tokens, best.looks, source, tokenizer, sentences=chosen
            )
            found |= {Written(number, each.summary_span): each for each in traced}
    for sentence, place in zip(composition.sentences, composition.written, strict=True):
        if place is not None:
            yield found[place]._replace(summary_span=sentence.span)
        elif sentence.source is not None:
            spans = (SourceSpan(sentence.source, 1.0),)
            yield Attribution(sentence.span, spans, AttributionKind.COPIED)


def own_attributions(text: str, source: Source) -> list[Attribution]:
    """Traces a text that is the document itself, or the beginning of it: all is copied."""
    spans = [span for span in source.tokens if span is not None and span.start < len(text)]
    cut = [TextSpan(start, min(end, len(text))) for start, end in spans]
    pieces = [Piece(span, place, 1.0) for span, place in zip(cut, spans, strict=True)]
    return attribute(text, pieces, source)


def _visible(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[TextSpan | None]:
    """Spans without the white space at their ends; None where nothing else is left."""
    for start, end in spans:
        found = text[max(0, start) : max(0, end)]
        seen = found.strip()
        start = max(0, start) + len(found) - len(found.lstrip())
        yield TextSpan(start, start + len(seen)) if seen else None


def _sentences(part: str, found: Normalised) -> list[TextSpan]:
    """The sentences of a text, and its pieces of code and rows of tables."""
    structure = split(part)
    spans = [(each.start, each.end) for each in structure.sentences]
    spans += [(each.start, each.end) for each in structure.blocks if not each.kind.has_sentences]
    images = (TextSpan(*found.image(*span)) for span in sorted(spans))
    return [each for each in images if each.start < each.end]
