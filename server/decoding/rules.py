"""Which tokens may not come next, and which must: the same rules for every way of decoding."""

from collections import defaultdict
from collections.abc import Sequence

from bundle.manifest import SpecialTokens
from server.decoding.ngrams import NoRepeatNgrams
from server.types import DecodingOptions


class Rules:
    """The rules of one request. A summary is its tokens so far, the start token not among them."""

    def __init__(self, options: DecodingOptions, special: SpecialTokens) -> None:
        self.max_tokens = options.max_tokens
        self.end_id = special.end_id
        self.start_id = special.decoder_start_id
        self.min_tokens = options.min_tokens
        self.ngram_size = options.no_repeat_ngram_size
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

    def forced(self, length: int) -> int | None:
        """The id that must follow `length` tokens, whatever the model says and the rules forbid."""
        if self._last is not None and length == self.max_tokens - 1:
            return self._last
        return self._beginning[length] if length < len(self._beginning) else None

    def forbidden(self, tokens: Sequence[int]) -> set[int]:
        """Ids that may not follow `tokens`."""
        forbidden = {*self.always_forbidden, *self._repeating(tokens), *self.ending_a_run(tokens)}
        if len(tokens) < self.min_tokens:
            forbidden.add(self.end_id)
        return forbidden

    def ending_a_run(self, tokens: Sequence[int]) -> list[int]:
        """Ids that would complete a banned run."""
        candidates = self._banned_runs.get(tokens[-1], ()) if tokens else ()
        return [run[-1] for run in candidates if tuple(tokens[1 - len(run) :]) == run[:-1]]

    def _repeating(self, tokens: Sequence[int]) -> set[int]:
        """Ids that would complete an n-gram written before; the start token counts as written."""
        size = self.ngram_size
        if size == 0 or len(tokens) + 1 < size:
            return set()
        written = [self.start_id, *tokens]
        tail = written[len(written) - size + 1 :]
        ends = range(size - 1, len(written))
        return {written[end] for end in ends if written[end - size + 1 : end] == tail}


class RulesAlong:
    """The same rules along one summary that grows: each token costs constant time."""

    def __init__(self, rules: Rules, ahead_of: "RulesAlong | None" = None) -> None:
        self._rules = rules
        self._remembered = max(0, rules.longest_run - 1)
        if ahead_of is None:
            self.length = 0
            self._recent: list[int] = []
            self._ngrams = NoRepeatNgrams(rules.ngram_size)
            self._ngrams.push(rules.start_id)  # it counts as written
        else:
            self.length = ahead_of.length
            self._recent = list(ahead_of._recent)
            self._ngrams = ahead_of._ngrams.look_ahead()

    def look_ahead(self) -> "RulesAlong":
        """The rules for guesses at what comes next: pushed there, they are not seen here.

        It holds until the next push here.
        """
        return RulesAlong(self._rules, ahead_of=self)

    def push(self, token: int) -> None:
        """Takes the token just written."""
        self.length += 1
        self._ngrams.push(token)
        if self._remembered:
            self._recent = [*self._recent, token][-self._remembered :]

    def forbidden(self) -> Sequence[int]:
        """Ids that may not come next."""
        rules = self._rules
        more = self._ngrams.forbidden()
        if self._remembered:
            more = [*more, *rules.ending_a_run(self._recent)]
        if self.length < rules.min_tokens:
            more = [*more, rules.end_id]
        return (*rules.always_forbidden_ids, *more) if more else rules.always_forbidden_ids

    def forbids(self, token: int) -> bool:
        """Whether one id may not come next: the same rules, for less work."""
        rules = self._rules
        return (
            token in rules.always_forbidden
            or self._ngrams.forbids(token)
            or (token == rules.end_id and self.length < rules.min_tokens)
            or (self._remembered > 0 and token in rules.ending_a_run(self._recent))
        )
