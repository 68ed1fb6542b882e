"""Beam search: the best beginnings of a summary run on side by side.

It finds what transformers' `generate(num_beams=w)` finds. At each step the 2w best continuations of
all beginnings are looked at: those among the w best that are complete are set aside, and the w best
of the others run on. (2w, because at most w of them can be complete.)

The beginnings are a tree in the row's cache: the j-th token of step t lies in slot t * w + j, and
sees the slots of its own path alone. So nothing moves when a beginning is dropped or branches.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter

import numpy as np

from bundle.manifest import SpecialTokens
from bundle.spelling import Spelling
from server.decoding.rules import Rules, RulesAlong
from server.decoding.scores import constrain, log_normaliser, nothing_allowed, summary_score
from server.decoding.strategy import DraftCount, Hypothesis, Look, Outcome, Proposal, look_of
from server.types import DecodingOptions, FinishReason


@dataclass(frozen=True, slots=True)
class _Beginning:
    """A summary that is not complete."""

    tokens: list[int]
    # Sum over the tokens; a forced token adds 0.
    log_probability: float
    # Where its tokens lie in the cache, the start token first. The newest is fed by the next step.
    slots: list[int]
    along: RulesAlong
    # One for each token, if somebody asked for them.
    looks: Sequence[Look | None] = ()


# A token that may follow a beginning, and what it adds.
_Allowed = tuple[int, float]

# A token, the place of the beginning that it continues, and the sum that it brings it to.
_Continuation = tuple[int, int, float]

_LAST = itemgetter(-1)


class BeamSearch:
    """Keeps `num_beams` beginnings until the rules of transformers say that it is over."""

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
        self._num_looked_at = 2 * options.num_beams
        self._least_candidates = min(self._num_looked_at, vocabulary_size)
        self._is_penalised = options.repetition_penalty != 1
        # Whether the candidates did not tell which tokens the rules allow.
        self._is_unsure = False
        # The best first, and all equally long.
        self._running = [_Beginning([], 0.0, [], RulesAlong(self._rules))]
        self._excluded: list[set[int]] = []
        self._used: list[list[int]] = []
        # The best first, `num_beams` at most.
        self._finished: list[Hypothesis] = []
        self._written: list[int] = []
        self._drafting = DraftCount()

    @property
    def width(self) -> int:
        """One slot for each beam."""
        return self._options.num_beams

    @property
    def written(self) -> Sequence[int]:
        """What all summaries that may still come out best have in common."""
        return self._written

    @property
    def hypotheses(self) -> Sequence[Hypothesis]:
        """The `num_summaries` best."""
        return self._finished[: self._options.num_summaries]

    @property
    def drafting(self) -> DraftCount:
        """Nothing is guessed ahead."""
        return self._drafting

    def outlook(self, most: int) -> Sequence[float]:
        """Nothing can be drafted."""
        return ()

    def propose(self, most_drafted: int) -> Proposal:
        """The newest token of every beginning."""
        running, width, length = self._running, self.width, self._length
        # Whether the model would end here too says what a forced end means.
        is_forced = self._rules.forced(length) not in (None, self._rules.end_id)
        self._note_excluded(is_forced)
        # Beams without a beginning feed what the best one feeds; nobody reads what comes of it.
        num_idle = width - len(running)
        feeding = [*running, *[running[0]] * num_idle]
        return Proposal(
            token_ids=[one.tokens[-1] if length else self._start_id for one in feeding],
            first_slot=length * width,
            places=[length] * width,
            excluded_ids=[*map(tuple, self._excluded), *[()] * num_idle],
            ancestors=[one.slots for one in feeding],
            wants_scores=(self._is_penalised or self._is_unsure) and not is_forced,
        )

    def advance(self, outcome: Outcome) -> bool:
        """Continues the beginnings; True when no better summary is looked for."""
        forced = self._rules.forced(self._length)
        cut_off: Collection[int] = ()
        allowed: Sequence[list[_Allowed]] = ()
        if forced in (None, self._rules.end_id):
            allowed = list(self._allowed(outcome))
        if forced is None:
            best = self._best_continuations(allowed)
        else:
            best = [
                (forced, parent, one.log_probability) for parent, one in enumerate(self._running)
            ]
            cut_off = self._cut_off(allowed)
        if outcome.scores is None:
            self._is_unsure = self._may_lack(allowed, [] if forced is not None else best, outcome)
            if self._is_unsure:
                return False  # the next proposal asks for all scores
        self._is_unsure = False
        looks: Sequence[Look | None] = ()
        if self._keeps_looks:
            places = range(len(self._running))
            looks = [look_of(outcome, place) if forced is None else None for place in places]
        self._continue(best, cut_off, looks)
        is_over = self._is_over()
        if is_over and not self._finished:
            raise nothing_allowed()
        self._settle(is_over)
        return is_over

    def _note_excluded(self, is_forced: bool) -> None:
        """Finds the ids that are not wanted as candidates of each beginning.

        Those that are to be penalised are among them: their scores are looked up instead, so the
        candidates are sure to hold the best of all others.
        """
        self._excluded, self._used = [], []
        for one in self._running:
            forbidden = set() if is_forced else set(one.along.forbidden())
            used = {self._start_id, *one.tokens} - forbidden if self._is_penalised else set()
            self._excluded.append(forbidden | used)
            self._used.append(list(used))

    @property
    def _length(self) -> int:
        return len(self._running[0].tokens)

    def _best_continuations(self, allowed: Sequence[list[_Allowed]]) -> list[_Continuation]:
        best: list[_Continuation] = []
        least = -math.inf
        for parent, (one, following) in enumerate(zip(self._running, allowed, strict=True)):
            for token, log_probability in following[: self._num_looked_at]:
                # Rounding may lift the logarithm of a certain token just above 0.
                total = one.log_probability + min(log_probability, 0.0)
                if total <= least:
                    break
                best.append((token, parent, total))
            best.sort(key=_LAST, reverse=True)
            del best[self._num_looked_at :]
            if len(best) == self._num_looked_at:
                least = _LAST(best[-1])
        return best

    def _allowed(self, outcome: Outcome) -> Iterator[list[_Allowed]]:
        """For each beginning, the tokens that may follow and what each adds, the best first.

        Of names and numbers that are not in the source the candidates may be full: some tokens may
        be missing then, unless there are all scores.
        """
        assert outcome.token_ids.shape[1] >= self._least_candidates, "too few for so many beams"
        rows = zip(outcome.token_ids.tolist(), outcome.log_probs.tolist(), strict=True)
        for parent, (excluded, row) in enumerate(zip(self._excluded, rows, strict=False)):
            along = self._running[parent].along
            if along.checks_facts and outcome.scores is not None:
                yield self._best_of_all(outcome, parent)
                continue
            allowed = [each for each in zip(*row, strict=True) if each[0] not in excluded]
            if along.checks_facts:
                right = (each for each in allowed if not along.is_wrong_fact(each[0]))
                allowed = list(islice(right, self._num_looked_at))
            if self._is_penalised:
                allowed += self._penalised(outcome, parent)
                allowed.sort(key=_LAST, reverse=True)
            yield allowed

    def _best_of_all(self, outcome: Outcome, parent: int) -> list[_Allowed]:
        """The same for one beginning, by the scores of all tokens, as many as are looked at."""
        assert outcome.scores is not None, "the proposal asked for scores"
        one = self._running[parent]
        scores = outcome.scores[parent] - log_normaliser(outcome, parent)
        scores = constrain(
            scores,
            [self._start_id, *one.tokens],
            self._options.repetition_penalty,
            one.along.forbidden(),
            one.along.wrong_facts(len(scores)),
        )
        best = np.argsort(-scores, kind="stable")[: self._num_looked_at]
        return [(int(token), float(scores[token])) for token in best if scores[token] > -np.inf]

    def _may_lack(
        self,
        allowed: Sequence[list[_Allowed]],
        best: Sequence[_Continuation],
        outcome: Outcome,
    ) -> bool:
        """Whether a token that is no candidate might be among the best continuations.

        None is likelier than the last candidate. Where no candidate is left, only the scores tell
        whether the rule about names and numbers counts at all.
        """
        enough = len(best) == self._num_looked_at
        least = _LAST(best[-1]) if enough else -math.inf
        for row, (one, following) in enumerate(zip(self._running, allowed, strict=False)):
            if not one.along.checks_facts or len(following) >= self._num_looked_at:
                continue
            if not best and following:
                continue  # only the best of each is asked for
            log_probability = outcome.log_probs.item(row, -1 if following else 0)
            if one.log_probability + min(log_probability, 0.0) >= least:
                return True
        return False

    def _cut_off(self, allowed: Sequence[list[_Allowed]]) -> set[int]:
        """The beginnings that the model would have gone on with instead of ending them."""
        return {
            parent
            for parent, following in enumerate(allowed)
            if not following or following[0][0] != self._rules.end_id
        }

    def _penalised(self, outcome: Outcome, row: int) -> list[_Allowed]:
        """The tokens that a beginning holds already, and what each adds if it comes again.

        Like transformers', a beam search multiplies log-probabilities, and does not make what comes
        of it sum to one again.
        """
        assert outcome.scores is not None, "the proposal asked for scores"
        used = self._used[row]
        scores = outcome.scores[row, used] - log_normaliser(outcome, row)
        return list(zip(used, (scores * self._options.repetition_penalty).tolist(), strict=True))

    def _continue(
        self,
        best: Sequence[_Continuation],
        cut_off: Collection[int],
        looks: Sequence[Look | None],
    ) -> None:
        """Sets aside what is complete and runs on with the best of the rest.

        The end of the beginnings that are `cut_off` is put down to the limit. `looks` has one for
        each beginning, if they are kept.
        """
        width, length = self.width, self._length
        running: list[_Beginning] = []
        for rank, (token, parent, log_probability) in enumerate(best):
            one = self._running[parent]
            is_ended = token == self._rules.end_id
            so_far = one.looks if is_ended or not looks else (*one.looks, looks[parent])
            if is_ended or length + 1 == self._rules.max_tokens:
                if rank < width:
                    score = self._score(log_probability, length + 1)
                    tokens = one.tokens if is_ended else [*one.tokens, token]
                    is_own = is_ended and parent not in cut_off
                    reason = FinishReason.STOP if is_own else FinishReason.LENGTH
                    self._finished.append(Hypothesis(tokens, reason, score, so_far))
            elif len(running) < width:
                slots = [*one.slots, length * width + parent]
                along = one.along.copy()
                along.push(token)
                tokens = [*one.tokens, token]
                running.append(_Beginning(tokens, log_probability, slots, along, so_far))
        self._running = running
        self._finished.sort(key=lambda one: -one.score)  # equals stay in the order of their finding
        del self._finished[width:]

    def _is_over(self) -> bool:
        """Whether running on cannot, or need not, find a better summary."""
        if not self._running:
            return True
        if len(self._finished) < self.width:
            return False
        if self._options.early_stopping:
            return True
        best = self._score(self._running[0].log_probability, self._length)
        return best <= self._finished[-1].score

    def _settle(self, is_over: bool) -> None:
        """Adds to what is written the tokens on which all that may still come out best agree."""
        running = [] if is_over else self._running
        rivals = [one.tokens for one in running if self._may_win(one)]
        rivals += [list(one.tokens) for one in self._finished[:1]]
        for tokens in zip(*(one[len(self._written) :] for one in rivals), strict=False):
            if any(token != tokens[0] for token in tokens):
                return
            self._written.append(tokens[0])

    def _may_win(self, one: _Beginning) -> bool:
        """Whether it may become better than the best complete summary.

        More tokens only lower its sum, but under a positive length penalty they raise the score of
        what it has.
        """
        if not self._finished:
            return True
        raises = self._options.length_penalty > 0
        num_tokens = self._rules.max_tokens if raises else len(one.tokens) + 1
        return self._score(one.log_probability, num_tokens) > self._finished[0].score

    def _score(self, log_probability: float, num_tokens: int) -> float:
        return summary_score(log_probability, num_tokens, self._options.length_penalty)
