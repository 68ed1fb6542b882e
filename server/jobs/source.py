"""A document that is read by its sentences: to fill one window, to cover all of it, to quote it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bundle.manifest import Style
from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from server.jobs.attributing import source_of, source_of_sentences
from server.jobs.composing import Chosen, Composition, Written, put_together
from server.jobs.job import Job
from server.text.attribution import Source
from server.text.content_words import content_words
from server.text.fit import characters_of
from server.text.lengths import Budget, budget_for
from server.text.ranking import best_first, key_scores, overlap_scores
from server.text.selecting import Candidate, cover, select
from server.text.structure import Sentence, Structure, split
from server.text.subjects import has_several_subjects
from server.text.windows import fitted, windows
from server.types import DecodingOptions, TextSpan

# Sentences may have a token or two more together than apart: one part of the room is for that.
_SLACK = 32


@dataclass(frozen=True, slots=True)
class Part:
    """What of a document fits the model."""

    spans: tuple[TextSpan, ...]
    ids: list[int]
    # Set where the summary is to be traced back to it.
    source: Source | None = None


class LongSource:
    """Computes what a way of reading needs, when it needs it. All of it is pure."""

    def __init__(self, job: Job, tokenizer: BundleTokenizer) -> None:
        self._job = job
        self._tokenizer = tokenizer
        self._document = job.request.document
        prefixes = (style.prefix_text or "" for style in (job.style, self.guide_style))
        taken = max(len(tokenizer.encode(prefix)) for prefix in prefixes)
        room = job.model.max_source_tokens - taken
        self._room = room - room // _SLACK

    @cached_property
    def has_key_sentences(self) -> bool:
        """Whether there is prose that a summary may quote."""
        return bool(self._quotable)

    @cached_property
    def has_several_subjects(self) -> bool:
        """Whether it seems to be about several things."""
        return has_several_subjects(self._words)

    @cached_property
    def guide_style(self) -> Style:
        """The style of texts that only lead to the summary: never longer than the default one.

        A long style, such as "detailed", is for one text. Of many windows, briefs say more in the
        same room (docs/long-documents.md).
        """
        default = self._job.model.manifest.style_by_default
        own = self._job.style
        return own if own.defaults.max_tokens <= default.defaults.max_tokens else default

    def guide_options(self, options: DecodingOptions) -> DecodingOptions:
        """Options of the runs whose texts only lead to the summary."""
        default = self._job.model.manifest.style_by_default
        most = min(default.defaults.max_tokens, self._job.model.max_summary_tokens)
        return replace(options, max_tokens=most, min_tokens=0)

    def truncated(self, text: str) -> Part:
        """The beginning of `text`, which is what the model would read, as far as it fits."""
        limit = self._job.model.max_source_tokens
        ids = self._tokenizer.encode(text)
        end = characters_of(self._document, text, self._tokenizer.end_of(text, limit))
        source = None
        if (level := self._job.request.attribution) is not None:
            style, document = self._job.style, self._document
            source = source_of(document, 0, style, self._tokenizer, level, most_tokens=limit)
        return Part((TextSpan(0, end),), ids[:limit], source)

    def selected(self, text: str) -> Part:
        """The key sentences of the whole document that fit together, in their order."""
        numbers = select(self._order, self._words, self._counts, budget=self._room)
        while numbers:
            in_order = sorted(numbers)
            text_of_these = " ".join(self._texts[number] for number in in_order)
            ids = self._encode(text_of_these, self._job.style)
            if len(ids) <= self._job.model.max_source_tokens:
                spans = tuple(self._span(number) for number in in_order)
                chosen = [self._quotable[number] for number in in_order]
                return Part(spans, ids, self._source_of(chosen, self._job.style))
            numbers.pop()  # joined, sentences may have a few tokens more than apart
        return self.truncated(text)

    def _source_of(self, sentences: Sequence[Sentence], style: Style) -> Source | None:
        """The sentences as the model reads them, if the summary is to be traced back to them."""
        job = self._job
        if (level := job.request.attribution) is None:
            return None
        return source_of_sentences(
            self._structure,
            sentences,
            style,
            self._tokenizer,
            level,
            most_tokens=job.model.max_source_tokens,
        )

    def extract(self, guides: Sequence[str]) -> Composition:
        """Key sentences of the document, word for word; led by the model's own brief, if any."""
        budget = self._budget
        order = self._order
        if guides:
            guide = content_words(" ".join(guides))
            order = best_first(overlap_scores(self._words, guide), self._key_scores)
        taken = select(
            order, self._words, self._lengths(budget), budget=budget.size, most=budget.most
        )
        places = _places(order)
        # At least one, however small the budget.
        return self._put_together([self._quoted(each, places) for each in taken or order[:1]])

    def cover(self, guides: Sequence[str]) -> Composition:
        """The sentences written of the windows that say most, and then key sentences."""
        budget = self._budget
        written = list(self._written(guides))
        texts = [each.text for each in written]
        taken = cover(
            [Candidate(tuple(content_words(text)), budget.length(text)) for text in texts],
            [
                Candidate(tuple(words), length)
                for words, length in zip(self._words, self._lengths(budget), strict=True)
            ],
            self._order,
            Counter(word for words in self._words for word in words),
            budget.size,
        )
        places = _places(self._order)
        chosen = [
            replace(written[number], score=1 - rank / len(texts))
            for rank, number in enumerate(taken.written)
        ]
        chosen += [self._quoted(number, places) for number in taken.verbatim]
        return self._put_together(chosen[: budget.most] or [self._quoted(self._order[0], places)])

    def _written(self, guides: Sequence[str]) -> Iterator[Chosen]:
        """The sentences written of each window, which come where the window begins."""
        for number, (window, guide) in enumerate(zip(self.windows, guides, strict=True)):
            written = split(guide)
            for sentence in written.sentences:
                place = Written(number, TextSpan(sentence.start, sentence.end))
                text = written.read(sentence)
                yield Chosen(text, window.spans[0].start, None, 0.0, place)

    def _quoted(self, number: int, places: Mapping[int, int]) -> Chosen:
        sentence = self._quotable[number]
        score = 1 - places[number] / len(self._quotable)
        return Chosen(self._texts[number], sentence.start, self._span(number), score)

    def _span(self, number: int) -> TextSpan:
        sentence = self._quotable[number]
        return TextSpan(sentence.start, sentence.end)

    def _put_together(self, chosen: Sequence[Chosen]) -> Composition:
        request = self._job.request
        return put_together(chosen, by_rank=request.by_rank, bullets=request.bullets)

    def _encode(self, text: str, style: Style) -> list[int]:
        return self._tokenizer.encode((style.prefix_text or "") + normalise(text))

    def _count(self, text: str) -> int:
        """As in the middle of a text, where a word has a space in front of it."""
        return len(self._tokenizer.encode(f" {normalise(text)}"))

    def _lengths(self, budget: Budget) -> list[int]:
        return [budget.length(text) for text in self._texts]

    @cached_property
    def _budget(self) -> Budget:
        return budget_for(
            self._job.request.length,
            max_tokens=self._job.options.max_tokens,
            num_tokens=self._count,
        )

    @cached_property
    def _structure(self) -> Structure:
        return split(self._document)

    @cached_property
    def _quotable(self) -> list[Sentence]:
        sentences = self._structure.sentences
        # Of a document of nothing but headings, they are what there is.
        return [each for each in sentences if each.is_worthy] or sentences

    @cached_property
    def _texts(self) -> list[str]:
        return [self._structure.read(each) for each in self._quotable]

    @cached_property
    def _words(self) -> list[list[str]]:
        return [content_words(text) for text in self._texts]

    @cached_property
    def _counts(self) -> list[int]:
        return [self._count(text) for text in self._texts]

    @cached_property
    def _key_scores(self) -> list[int]:
        return key_scores(self._quotable, self._words)

    @cached_property
    def _order(self) -> list[int]:
        return best_first(self._key_scores)

    @cached_property
    def windows(self) -> list[Part]:
        """Windows that cover all sentences of the document: code and tables are left out."""
        structure = self._structure
        sentences, counts = fitted(self._document, structure.sentences, self._count, self._room)
        found = []
        for window in windows(sentences, counts, self._room):
            inside = sentences[window.first : window.stop]
            ids = self._encode(" ".join(map(structure.read, inside)), self.guide_style)
            found.append(
                Part(
                    (TextSpan(window.start, window.end),),
                    ids[: self._job.model.max_source_tokens],
                    self._source_of(inside, self.guide_style),
                )
            )
        return found


def _places(order: Sequence[int]) -> dict[int, int]:
    return {number: place for place, number in enumerate(order)}
