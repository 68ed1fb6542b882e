"""What greedy decoding should come to, from the oracle's tokens; and a drafter that knows them."""

from collections.abc import Collection, Sequence

from bundle.manifest import SpecialTokens
from model.decoding.generate import Generation
from server.types import DecodingOptions


class Prophet:
    """Knows the summary, and is wrong now and then."""

    def __init__(
        self, tokens: Sequence[int], wrong_places: Collection[int] = (), wrong_token: int = 8
    ) -> None:
        self._guesses = [
            wrong_token if place in wrong_places else token for place, token in enumerate(tokens)
        ]
        self._num_written = 0

    def extend(self, tokens: Sequence[int], looked_at: int | None, gate: float | None) -> None:
        self._num_written += len(tokens)

    def draft(self, most: int) -> Sequence[int]:
        return self._guesses[self._num_written :][:most]

    def chances(self, count: int) -> Sequence[float]:
        return [0.5] * count

    def learn(self, drafted: int, accepted: int) -> None:
        assert 0 <= accepted <= drafted


def model_score(oracle: Generation, special: SpecialTokens, options: DecodingOptions) -> float:
    """What the oracle's tokens come to, those that were forced left out."""
    is_forced = [
        i < len(options.prefix_ids) + (special.forced_first_id is not None)
        for i in range(len(oracle.tokens))
    ]
    if special.forced_last_id is not None and len(oracle.tokens) == options.max_tokens:
        is_forced[-1] = True
    log_probabilities = zip(oracle.log_probabilities, is_forced, strict=True)
    total = sum(one for one, forced in log_probabilities if not forced)
    return total / len(oracle.tokens) ** options.length_penalty
