"""What rows propose is written to their slots, whatever was written there before."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.decoding.strategy import Proposal
from server.runtime.step import fill
from server.runtime.step.fill import StepInputs

ROWS, TOKENS, EXCLUDED, SLOTS, PAD = 5, 4, 6, 16, 77


def arrays(tokens: int) -> dict[str, NDArray[Any]]:
    return {
        "token_ids": np.full((ROWS, tokens), 9),
        "position": np.full(ROWS, 9),
        "excluded_ids": np.full((ROWS, tokens, EXCLUDED), 9),
        "places": np.full((ROWS, tokens), 9),
        "visible": np.ones((ROWS, tokens, SLOTS), np.bool_),
    }


ids = st.integers(0, 500)


@st.composite
def steps(draw: st.DrawFn) -> tuple[int, list[int], list[Proposal]]:
    tokens = draw(st.sampled_from([1, TOKENS]))
    slots = draw(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS, unique=True))
    proposals = []
    for _ in slots:
        fed = draw(st.lists(ids, min_size=1, max_size=tokens))
        first = draw(st.integers(0, SLOTS - TOKENS))
        excluded = [draw(st.lists(ids, max_size=EXCLUDED)) for _ in fed]
        ancestors = None
        if draw(st.booleans()):
            ancestors = [draw(st.lists(st.integers(0, max(0, first - 1)), max_size=3)) for _ in fed]
        places = [first // 2 + index for index in range(len(fed))]
        proposals.append(Proposal(fed, first, places, excluded, ancestors))
    return tokens, slots, proposals


@pytest.mark.parametrize("few_rows", [0, ROWS], ids=["together", "one by one"])
@given(step=steps())
def test_every_row_finds_in_its_slot_what_it_proposed(
    step: tuple[int, list[int], list[Proposal]], few_rows: int
) -> None:
    tokens, slots, proposals = step
    found = arrays(tokens)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fill, "_FEW_ROWS", few_rows)
        StepInputs(found, pad_id=PAD, slots=SLOTS).fill(proposals, np.array(slots))
    idle = [slot for slot in range(ROWS) if slot not in slots]
    assert (found["token_ids"][idle] == PAD).all()
    assert not found["position"][idle].any()
    assert (found["excluded_ids"][idle] == -1).all()
    for slot, proposal in zip(slots, proposals, strict=True):
        count = len(proposal.token_ids)
        rest = tokens - count
        assert found["token_ids"][slot].tolist() == [*proposal.token_ids, *[PAD] * rest]
        assert found["position"][slot] == proposal.first_slot
        assert found["places"][slot].tolist() == [*proposal.places, *[proposal.places[-1]] * rest]
        for index in range(count):
            wanted = list(proposal.excluded_ids[index])
            written = found["excluded_ids"][slot, index].tolist()
            assert written == wanted + [-1] * (EXCLUDED - len(wanted))
            own = proposal.first_slot + index
            seen = set(range(own + 1))
            if proposal.ancestors is not None:
                seen = {*proposal.ancestors[index], own}
            assert set(np.flatnonzero(found["visible"][slot, index])) == seen
        padding = range(count, tokens)
        assert all(found["visible"][slot, index, proposal.first_slot + index] for index in padding)
