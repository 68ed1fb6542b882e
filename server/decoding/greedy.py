"""Greedy decoding: always the likeliest token that the rules allow."""

from collections.abc import Sequence

from bundle.manifest import SpecialTokens
from server.decoding.ngrams import NoRepeatNgrams
from server.decoding.strategy import Candidates
from server.types import DecodingOptions, FinishReason


class Greedy:
    """Writes one token a step.

    `max_tokens` counts the end token, as in Hugging Face's `max_new_tokens`. A forced first token
    is written whatever the model says. Where the last token is forced, it is the end token: the
    summary is one token shorter then, and its reason is still LENGTH, unless the model would have
    ended there by itself.
    """

    def __init__(self, options: DecodingOptions, special: SpecialTokens) -> None:
        self._options = options
        self._special = special
        self._ngrams = NoRepeatNgrams(options.no_repeat_ngram_size)
        self._ngrams.push(special.decoder_start_id)
        self._tokens: list[int] = []

    @property
    def tokens(self) -> Sequence[int]:
        """What has been written so far, the end token not counted."""
        return self._tokens

    @property
    def input_token(self) -> int:
        """The token to feed to the decoder next."""
        return self._tokens[-1] if self._tokens else self._special.decoder_start_id

    @property
    def position(self) -> int:
        """The start token lies at 0, so the n-th written token goes to n."""
        return len(self._tokens)

    def excluded_ids(self) -> Sequence[int]:
        """Ids that must not be chosen at the next step."""
        excluded = [*self._special.never_emitted_ids, *self._ngrams.forbidden()]
        if len(self._tokens) < self._options.min_tokens:
            excluded.append(self._special.end_id)
        return excluded

    def advance(self, candidates: Candidates) -> FinishReason | None:
        """Writes the best candidate, or what is forced."""
        best = candidates.token_ids[0]
        num_left = self._options.max_tokens - len(self._tokens)
        if num_left == 1 and self._special.forced_last_id is not None:
            return FinishReason.STOP if best == self._special.end_id else FinishReason.LENGTH
        forced = self._special.forced_first_id if not self._tokens else None
        token = best if forced is None else forced
        if token == self._special.end_id:
            return FinishReason.STOP
        self._tokens.append(token)
        self._ngrams.push(token)
        return FinishReason.LENGTH if num_left == 1 else None
