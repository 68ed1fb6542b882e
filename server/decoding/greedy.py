"""Greedy decoding: always the likeliest token that the rules allow, guessed tokens among them."""

from collections.abc import Sequence
from typing import NamedTuple

from bundle.manifest import SpecialTokens
from bundle.spelling import Spelling
from server.decoding.best_allowed import best_of_ahead, best_of_proposed, best_of_scores
from server.decoding.drafting import Drafter
from server.decoding.rules import Rules, RulesAlong
from server.decoding.scores import nothing_allowed, summary_score
from server.decoding.strategy import (
    Ahead,
    DraftCount,
    Hypothesis,
    Look,
    Outcome,
    Proposal,
    StepAhead,
    look_of,
)
from server.types import DecodingOptions, FinishReason


class _Draft(NamedTuple):
    # How many tokens were asked for; the rules may have left fewer.
    asked: int
    tokens: list[int]
    # What may not follow what is written, and then each token.
    forbidden: list[Sequence[int]]


class Greedy:
    """Writes what the network finds likeliest, and as much of a draft at once as agrees with it.

    `max_tokens` counts the end token, as in Hugging Face's `max_new_tokens`. A forced beginning is
    written whatever the model says. Where the last token is forced, it is the end token: the
    summary is one token shorter then, and its reason is still LENGTH, unless the model would have
    ended there by itself. Forced tokens add nothing to the score, but count in its length.
    """

    width = 1

    def __init__(
        self,
        options: DecodingOptions,
        special: SpecialTokens,
        drafter: Drafter | None = None,
        *,
        spelling: Spelling | None = None,
        keeps_looks: bool = False,
        source_ids: Sequence[int] = (),
    ) -> None:
        self.written: list[int] = []
        self._looks: list[Look | None] | None = [] if keeps_looks else None
        self.hypotheses: list[Hypothesis] = []
        self.drafting = DraftCount()
        self._length_penalty = options.length_penalty
        self._repetition_penalty = options.repetition_penalty
        self._rules = Rules(options, special, spelling, source_ids)
        self._along = RulesAlong(self._rules)
        self._drafter = drafter
        self._log_probability = 0.0
        # Tokens that are certain but not in the cache yet; the first of them goes to _next_slot.
        self._unfed = [special.decoder_start_id]
        self._next_slot = 0
        self._fed: Sequence[int] = ()
        self._draft: _Draft | None = None
        # Whether the likeliest tokens did not tell which one the rules allow.
        self._is_unsure = False
        self._write_beginning()

    def outlook(self, most: int) -> Sequence[float]:
        """See Strategy."""
        certain = [1.0] * min(most, len(self._unfed) - 1)
        if self._drafter is None or len(certain) == most:
            return certain
        draft = self._drafted(most - len(certain))
        if not draft.tokens:
            return certain
        return [*certain, *self._drafter.chances(len(draft.tokens))]

    def propose(self, most_drafted: int) -> Proposal:
        """See Strategy."""
        tokens = self._unfed[: most_drafted + 1]
        # Only what may follow the last of the certain tokens is looked at.
        excluded: list[Sequence[int]] = [()] * len(tokens)
        ahead = None
        if len(tokens) == len(self._unfed):
            ahead = self._leave_to_go_on()
            most = most_drafted + 1 - len(tokens)
            draft = self._drafted(most)
            tokens += draft.tokens[:most]
            excluded[-1:] = draft.forbidden[: most + 1]
        self._fed = tokens
        wants_scores = self._reads_scores
        return Proposal(
            tokens,
            self._next_slot,
            range(self._next_slot, self._next_slot + len(tokens)),
            [()] * len(tokens) if wants_scores else excluded,
            wants_scores=wants_scores,
            ahead=ahead,
        )

    def advance(self, outcome: Outcome) -> bool:
        """See Strategy. Raises InvalidRequest where the rules leave no token to write."""
        fed, last = self._fed, len(self._unfed) - 1
        if len(fed) <= last:
            del self._unfed[: len(fed)]
            self._next_slot += len(fed)
            return False
        has_leave = not self._reads_scores
        is_over = self._take(fed, last, outcome)
        if has_leave and not is_over and not self._is_unsure:
            is_over = self._follow(outcome.following)
        if not is_over:
            self._unfed = self.written[-1:] or [self._rules.start_id]
            self._draft = None
        return is_over

    @property
    def _reads_scores(self) -> bool:
        """Whether the scores of all tokens tell which one comes next."""
        return self._repetition_penalty != 1 or self._is_unsure

    def _follow(self, following: Sequence[StepAhead]) -> bool:
        """Takes what was written without asking, as far as it is what would have been proposed."""
        for step in following:
            if step.token_ids[0] != self.written[-1] or step.first_slot != self._next_slot:
                break
            num_before = len(self.written)
            is_over = self._take(step.token_ids, 0, step.outcome, is_ahead=True)
            if is_over or len(self.written) > num_before:
                self.drafting.steps_followed += 1
            if is_over:
                return True
        return False

    def _take(
        self, fed: Sequence[int], first: int, outcome: Outcome, *, is_ahead: bool = False
    ) -> bool:
        """Writes a token after the first query and, while what was fed is what was written, on.

        True when the summary is complete.
        """
        written, num_before = self.written, len(self.written)
        query, num_queries, is_over, is_unsure = first, len(fed), False, False
        while True:
            choice, log_probability = self._choose(outcome, query, is_ahead=is_ahead)
            if choice is None and is_ahead:
                break  # the next proposal asks again, with exclusions
            if choice is None and self._along.checks_facts and not self._reads_scores:
                is_unsure = True
                break  # the next proposal asks for all scores
            is_over = self._write(choice, log_probability)
            if is_over or query + 1 == num_queries or fed[query + 1] != written[-1]:
                break
            if is_ahead and written[-1] != outcome.token_ids.item(query, 0):
                break  # the device went on from a choice of its own, over this guess's slot
            query += 1
        self._is_unsure = is_unsure
        num_new = len(written) - num_before
        self._next_slot += first + num_new
        if self._looks is not None:
            self._looks += self._looks_of(outcome, first, num_before)
        if self._drafter is not None:
            if num_queries > first + 1:
                self._learn(fed[first + 1 :], query - first, is_ahead=is_ahead)
            if num_new and not is_over:
                looked_at, gate = _copied_from(outcome, first + num_new - 1)
                self._drafter.extend(written[num_before:], looked_at, gate)
        return is_over

    def _looks_of(self, outcome: Outcome, first: int, num_before: int) -> list[Look | None]:
        """Where the copy head looked for each of the tokens just written after these queries."""
        return [
            None if self._rules.forced(place) is not None else look_of(outcome, query)
            for query, place in enumerate(range(num_before, len(self.written)), first)
        ]

    def _write_beginning(self) -> None:
        """Writes what is forced, up to the last place or an end, where the model has a say."""
        while len(self.written) < self._rules.max_tokens - 1:
            forced = self._rules.forced(len(self.written))
            if forced is None or forced == self._rules.end_id:
                break
            self._append(forced)
        if self._looks is not None:
            self._looks += [None] * len(self.written)
        self._unfed += self.written
        if self.written and self._drafter is not None:
            self._drafter.extend(self.written, None, None)

    def _leave_to_go_on(self) -> Ahead | None:
        """A runner may go on by itself where the model's likeliest word is what will be written.

        Not with a penalty on what was written, which changes which word that is. And not after a
        forced beginning: going on from another word it would take the beginning's slots.
        Where names and numbers are checked it is nearly always so.
        """
        length = len(self.written)
        most_tokens = self._rules.max_tokens - length - 1
        if self._reads_scores or len(self._unfed) > 1:
            return None
        if most_tokens > 0 and self._rules.forced(length) is not None:
            return None
        return Ahead(self._rules.always_forbidden_ids, most_tokens)

    def _drafted(self, most: int) -> _Draft:
        """A draft as long as the rules allow, `most` tokens or more."""
        if self._draft is not None and self._draft.asked >= most:
            return self._draft
        self._draft = draft = _Draft(most, [], [self._along.forbidden()])
        # The token after the draft must have a place too.
        room = min(most, self._rules.max_tokens - len(self.written) - 1)
        guesses = self._drafter.draft(room) if self._drafter is not None and room > 0 else ()
        if not guesses:
            return draft
        ahead = self._along.copy()
        for token in guesses:
            if token == self._rules.end_id or token in draft.forbidden[-1]:
                break
            if ahead.is_wrong_fact(token):
                break
            ahead.push(token)
            draft.tokens.append(token)
            draft.forbidden.append(ahead.forbidden())
        return draft

    def _write(self, choice: int | None, log_probability: float) -> bool:
        """Writes one token, the model's choice or a forced one; True when that completes it."""
        end_id, is_last = self._rules.end_id, len(self.written) + 1 == self._rules.max_tokens
        forced = self._rules.forced(len(self.written))
        if forced is not None:
            token = forced
        elif choice is not None:
            token = choice
            self._log_probability += log_probability
        else:
            raise nothing_allowed()
        if token == end_id:
            is_own = choice == end_id or not is_last
            self._complete(FinishReason.STOP if is_own else FinishReason.LENGTH, ends=True)
            return True
        self._append(token)
        if is_last:
            self._complete(FinishReason.LENGTH, ends=False)
        return is_last

    def _choose(self, outcome: Outcome, query: int, *, is_ahead: bool) -> tuple[int | None, float]:
        if is_ahead:
            return best_of_ahead(outcome, query, self._along)
        if not self._reads_scores:
            return best_of_proposed(outcome, query, self._along)
        written = [self._rules.start_id, *self.written]
        return best_of_scores(
            outcome, query, self._along, written=written, penalty=self._repetition_penalty
        )

    def _append(self, token: int) -> None:
        self.written.append(token)
        self._along.push(token)

    def _learn(self, drafted: Sequence[int], accepted: int, *, is_ahead: bool) -> None:
        assert self._drafter is not None
        self.drafting.drafted += len(drafted)
        self.drafting.accepted += accepted
        own = len(drafted)
        if is_ahead:
            # A device drafts where this drafter would not; only a guess that both share tells how
            # far to trust the drafter.
            guesses = self._drafter.draft(own)
            own = len(guesses) if guesses and guesses[0] == drafted[0] else 0
        self._drafter.learn(own, min(own, accepted))

    def _complete(self, reason: FinishReason, *, ends: bool) -> None:
        score = summary_score(self._log_probability, len(self.written) + ends, self._length_penalty)
        # The looks of the step that ends it are still to come.
        looks = () if self._looks is None else self._looks
        self.hypotheses = [Hypothesis(self.written, reason, score, looks)]


def _copied_from(outcome: Outcome, query: int) -> tuple[int | None, float | None]:
    """Where the copy head looked after a query, and how much it copied."""
    if outcome.copy_indices is None or outcome.copy_gates is None:
        return None, None
    return outcome.copy_indices.item(query), outcome.copy_gates.item(query)
