"""Which tokens may not come next, and which must: the same rules for every way of decoding."""

from collections.abc import Sequence

from bundle.manifest import SpecialTokens
from server.types import DecodingOptions


class Rules:
    """The rules of one request. A summary is its tokens so far, the start token not among them."""

    def __init__(self, options: DecodingOptions, special: SpecialTokens) -> None:
        self.max_tokens = options.max_tokens
        self.end_id = special.end_id
        self._start_id = special.decoder_start_id
        self._min_tokens = options.min_tokens
        self._ngram_size = options.no_repeat_ngram_size
        self._never = frozenset(special.never_emitted_ids) | {
            run[0] for run in options.banned_runs if len(run) == 1
        }
        self._banned_runs = [run for run in options.banned_runs if len(run) > 1]
        first = () if special.forced_first_id is None else (special.forced_first_id,)
        self._beginning = (*first, *options.prefix_ids)
        self._last = special.forced_last_id

    @property
    def always_forbidden(self) -> frozenset[int]:
        """Ids that no summary ever holds."""
        return self._never

    def forced(self, length: int) -> int | None:
        """The id that must follow `length` tokens, whatever the model says and the rules forbid."""
        if self._last is not None and length == self.max_tokens - 1:
            return self._last
        return self._beginning[length] if length < len(self._beginning) else None

    def forbidden(self, tokens: Sequence[int]) -> set[int]:
        """Ids that may not follow `tokens`."""
        forbidden = {*self._never, *self._repeating(tokens)}
        forbidden.update(
            run[-1] for run in self._banned_runs if tuple(tokens[1 - len(run) :]) == run[:-1]
        )
        if len(tokens) < self._min_tokens:
            forbidden.add(self.end_id)
        return forbidden

    def _repeating(self, tokens: Sequence[int]) -> set[int]:
        """Ids that would complete an n-gram written before; the start token counts as written."""
        size = self._ngram_size
        if size == 0 or len(tokens) + 1 < size:
            return set()
        written = [self._start_id, *tokens]
        tail = written[len(written) - size + 1 :]
        ends = range(size - 1, len(written))
        return {written[end] for end in ends if written[end - size + 1 : end] == tail}
