"""Sampling: each next token is drawn, and the same request draws the same again.

model/decoding/sampling.py defines which token a seed gives. Several summaries of one document are
drawn side by side: they share the source, and nothing else. The j-th of w keeps slot t * w + j of
step t.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bundle.manifest import SpecialTokens
from bundle.spelling import Spelling
from server.decoding.draws import Draws, uniform
from server.decoding.rules import Rules, RulesAlong
from server.decoding.scores import constrain, log_normaliser, nothing_allowed, summary_score
from server.decoding.strategy import DraftCount, Hypothesis, Look, Outcome, Proposal, look_of
from server.types import DecodingOptions, FinishReason


@dataclass(slots=True)
class _Branch:
    """One of the summaries."""

    index: int
    along: RulesAlong
    tokens: list[int] = field(default_factory=list)
    # One for each token, if somebody asked for them.
    looks: list[Look | None] = field(default_factory=list)
    # Sum over the tokens, under the network's own distribution; a forced token adds 0.
    log_probability: float = 0.0
    hypothesis: Hypothesis | None = None


class Sampling:
    """Draws `num_summaries` summaries, and ends when the last of them does."""

    def __init__(
        self,
        options: DecodingOptions,
        special: SpecialTokens,
        vocabulary_size: int,
        *,
        spelling: Spelling | None = None,
        keeps_looks: bool = False,
        source_ids: Sequence[int] = (),
    ) -> None:
        self._keeps_looks = keeps_looks
        self._rules = Rules(options, special, spelling, source_ids)
        self._options = options
        self._start_id = special.decoder_start_id
        self._draws = Draws(options, vocabulary_size)
        self._branches = [
            _Branch(index, RulesAlong(self._rules)) for index in range(options.num_summaries)
        ]
        self._drafting = DraftCount()

    @property
    def width(self) -> int:
        """One slot for each summary."""
        return len(self._branches)

    @property
    def written(self) -> Sequence[int]:
        """The tokens of the only summary; of several, which one is best shows at the end."""
        if self.width == 1:
            return self._branches[0].tokens
        found = self.hypotheses
        return found[0].tokens if len(found) == self.width else ()

    @property
    def hypotheses(self) -> Sequence[Hypothesis]:
        """The complete summaries; equally good ones in the order of their draws."""
        found = [one.hypothesis for one in self._branches if one.hypothesis is not None]
        return sorted(found, key=lambda one: -one.score)

    @property
    def drafting(self) -> DraftCount:
        """Nothing is guessed ahead."""
        return self._drafting

    def outlook(self, most: int) -> Sequence[float]:
        """The rest of a forced beginning is certain; what is drawn cannot be guessed."""
        return [1.0] * len(self._certain(most))

    def propose(self, most_drafted: int) -> Proposal:
        """The newest token of every summary; one that is alone takes what is forced along."""
        width, running = self.width, self._running
        length = len(running[0].tokens)
        # A branch that is complete feeds what another one feeds; nobody reads what comes of it.
        feeding = [running[0] if one.hypothesis else one for one in self._branches]
        token_ids = [one.tokens[-1] if length else self._start_id for one in feeding]
        places, ancestors = [length] * width, None
        if width == 1:
            token_ids += self._certain(most_drafted)
            places = list(range(length, length + len(token_ids)))
        else:
            ancestors = [range(one.index, length * width, width) for one in feeding]
        return Proposal(
            token_ids=token_ids,
            first_slot=length * width,
            places=places,
            # The rules are applied here, to the scores of the whole vocabulary.
            excluded_ids=[()] * len(token_ids),
            ancestors=ancestors,
            wants_scores=True,
        )

    def advance(self, outcome: Outcome) -> bool:
        """Writes a token of every summary; of one that is alone, as many as were fed."""
        if self.width == 1:
            for query in range(len(outcome.token_ids)):
                self._write(self._branches[0], outcome, query)
        else:
            for branch in self._running:
                self._write(branch, outcome, branch.index)
        return not self._running

    @property
    def _running(self) -> list[_Branch]:
        """The summaries that are not complete; all of them are equally long."""
        return [one for one in self._branches if one.hypothesis is None]

    def _certain(self, most: int) -> list[int]:
        """Tokens of the forced beginning that may be fed ahead of the step that writes them."""
        if self.width > 1:
            return []
        certain: list[int] = []
        length = len(self._branches[0].tokens)
        # Nothing follows the token at max_tokens, so it need not be fed.
        while len(certain) < most and length + len(certain) < self._rules.max_tokens - 1:
            forced = self._rules.forced(length + len(certain))
            if forced is None or forced == self._rules.end_id:
                break
            certain.append(forced)
        return certain

    def _write(self, branch: _Branch, outcome: Outcome, query: int) -> None:
        """Writes what is forced, or what is drawn."""
        place = len(branch.tokens)
        forced = self._rules.forced(place)
        is_last = place == self._rules.max_tokens - 1
        # A forced end is put down to the limit, unless the summary would have ended there anyway.
        drawn = self._draw(branch, outcome, query) if forced is None or is_last else None
        if forced is not None:
            token = forced
        elif drawn is not None:
            token = drawn
            branch.log_probability += self._log_probability(outcome, query, token)
        else:
            raise nothing_allowed()
        if token == self._rules.end_id:
            reason = FinishReason.STOP if drawn == token else FinishReason.LENGTH
            self._complete(branch, reason, place + 1)
            return
        branch.tokens.append(token)
        branch.along.push(token)
        if self._keeps_looks:
            branch.looks.append(look_of(outcome, query) if forced is None else None)
        if is_last:
            self._complete(branch, FinishReason.LENGTH, place + 1)

    def _draw(self, branch: _Branch, outcome: Outcome, query: int) -> int | None:
        assert outcome.scores is not None, "the proposal asked for scores"
        scores = constrain(
            outcome.scores[query],
            [self._start_id, *branch.tokens],
            self._options.repetition_penalty,
            branch.along.forbidden(),
            branch.along.wrong_facts(outcome.scores.shape[1]),
        )
        u = uniform(self._options.seed, branch.index, len(branch.tokens))
        return self._draws.draw(scores, u)

    def _log_probability(self, outcome: Outcome, query: int, token: int) -> float:
        assert outcome.scores is not None, "the proposal asked for scores"
        return float(outcome.scores[query, token]) - log_normaliser(outcome, query)

    def _complete(self, branch: _Branch, reason: FinishReason, num_tokens: int) -> None:
        score = summary_score(branch.log_probability, num_tokens, self._options.length_penalty)
        branch.hypothesis = Hypothesis(branch.tokens, reason, score, branch.looks)
