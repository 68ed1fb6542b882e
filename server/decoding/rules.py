"""Which tokens may not come next, and which must: the same rules for every way of decoding."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from bundle.facts import Source
from bundle.manifest import SpecialTokens
from bundle.spelling import Spelling
from server.decoding.ngrams import NoRepeatNgrams
from server.decoding.source_facts import OnlySourceFacts
from server.decoding.strategy import Array
from server.decoding.words import NoRepeatWords
from server.types import DecodingOptions


class Rules:
    """The rules of one request. A summary is its tokens so far, the start token not among them."""

    def __init__(
        self,
        options: DecodingOptions,
        special: SpecialTokens,
        spelling: Spelling | None = None,
        source_ids: Sequence[int] = (),
    ) -> None:
        """Only rules about words need to know how tokens are spelled, one of them the source."""
        self.max_tokens = options.max_tokens
        self.end_id = special.end_id
        self.start_id = special.decoder_start_id
        self.min_tokens = options.min_tokens
        # Ids that no summary ever holds, as a set and as a list.
        self.always_forbidden = frozenset(special.never_emitted_ids) | {
            run[0] for run in options.banned_runs if len(run) == 1
        }
        self.always_forbidden_ids: Sequence[int] = tuple(self.always_forbidden)
        # By their last token but one: few of many runs can end after a given token.
        self._banned_runs: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
        for run in options.banned_runs:
            if len(run) > 1:
                self._banned_runs[run[-2]].append(run)
        self.longest_run = max(map(len, options.banned_runs), default=0)
        first = () if special.forced_first_id is None else (special.forced_first_id,)
        self._beginning = (*first, *options.prefix_ids)
        self._last = special.forced_last_id
        self._ngram_size = options.no_repeat_ngram_size
        self._word_ngram_size = options.no_repeat_word_ngram_size
        self._only_source_facts = options.only_source_facts
        self._spelling = spelling
        self._source_ids = source_ids

    def forced(self, length: int) -> int | None:
        """The id that must follow `length` tokens, whatever the model says and the rules forbid."""
        if self._last is not None and length == self.max_tokens - 1:
            return self._last
        return self._beginning[length] if length < len(self._beginning) else None

    def ending_a_run(self, tokens: Sequence[int]) -> list[int]:
        """Ids that would complete a banned run."""
        candidates = self._banned_runs.get(tokens[-1], ()) if tokens else ()
        return [run[-1] for run in candidates if tuple(tokens[1 - len(run) :]) == run[:-1]]

    def against_repetition(self) -> "list[_AgainstRepetition]":
        """The rules that this request has against repetition, before anything is written."""
        rules: list[_AgainstRepetition] = []
        if self._ngram_size:
            rules.append(NoRepeatNgrams(self._ngram_size))
        if self._word_ngram_size:
            if self._spelling is None:
                raise ValueError("no_repeat_word_ngram_size needs the spelling of the tokens")
            rules.append(NoRepeatWords(self._word_ngram_size, self._spelling))
        return rules

    def on_facts(self) -> OnlySourceFacts | None:
        """The rule that names and numbers are those of the source, before anything is written."""
        if not self._only_source_facts:
            return None
        if self._spelling is None:
            raise ValueError("only_source_facts needs the spelling of the tokens")
        source = Source(self._spelling.text_of(self._source_ids), self._spelling.ordinary)
        return OnlySourceFacts(source, self._spelling)


class _AgainstRepetition(Protocol):
    """What may not come next because it was written before."""

    def push(self, token: int) -> None: ...

    def forbidden(self) -> Sequence[int]: ...

    def copy(self) -> "_AgainstRepetition": ...


class RulesAlong:
    """The rules along one summary that grows: each token costs constant time."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._remembered = max(0, rules.longest_run - 1)
        self.length = 0
        self._recent: list[int] = []
        self._facts = rules.on_facts()
        self._repetition = rules.against_repetition()
        for rule in self._repetition:
            rule.push(rules.start_id)  # it counts as written

    def copy(self) -> "RulesAlong":
        """The rules as they stand, to go on by themselves: with a guess, or another summary."""
        other = RulesAlong.__new__(RulesAlong)
        other._rules, other._remembered = self._rules, self._remembered
        other.length, other._recent = self.length, self._recent
        other._facts = self._facts and self._facts.copy()
        other._repetition = [rule.copy() for rule in self._repetition]
        return other

    def push(self, token: int) -> None:
        """Takes the token just written."""
        self.length += 1
        if self._facts is not None:
            self._facts.push(token)
        for rule in self._repetition:
            rule.push(token)
        if self._remembered:
            self._recent = [*self._recent, token][-self._remembered :]

    def forbidden(self) -> Sequence[int]:
        """Ids that may not come next, but for those that `wrong_facts` tells of: they are many."""
        rules = self._rules
        more: list[int] = []
        for rule in self._repetition:
            more += rule.forbidden()
        if self._remembered:
            more += rules.ending_a_run(self._recent)
        if self.length < rules.min_tokens:
            more.append(rules.end_id)
        return (*rules.always_forbidden_ids, *more) if more else rules.always_forbidden_ids

    @property
    def checks_facts(self) -> bool:
        """Whether names and numbers must stand in the source."""
        return self._facts is not None

    def wrong_facts(self, vocabulary_size: int) -> Array | None:
        """Whether each id would write a name or number that is not in the source, [V].

        They may not come next, unless nothing else is left. None where nobody minds.
        """
        if self._facts is None:
            return None
        wrong = self._facts.wrong(vocabulary_size)
        wrong[self._rules.end_id] = self._facts.forbids_end()
        return wrong

    def forbids(self, token: int) -> bool:
        """Whether one id may not come next, under any rule, for less work."""
        rules = self._rules
        return (
            token in rules.always_forbidden
            or any(token in rule.forbidden() for rule in self._repetition)
            or (token == rules.end_id and self.length < rules.min_tokens)
            or (self._remembered > 0 and token in rules.ending_a_run(self._recent))
            or self.is_wrong_fact(token)
        )

    def is_wrong_fact(self, token: int) -> bool:
        """What `wrong_facts` tells of one id."""
        if self._facts is None:
            return False
        is_end = token == self._rules.end_id
        return self._facts.forbids_end() if is_end else self._facts.forbids(token)
