"""What may follow no token of the steps that a device takes by itself."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.decoding.strategy import Ahead, Proposal
from server.runtime.device.steps.bound_step import LastingExclusions


def test_what_may_never_follow_is_written_anew_where_it_changed() -> None:
    array = np.full((2, 3, 4), 9)
    lasting = LastingExclusions(array)

    def fill(slots: list[int], *excluded: list[int]) -> NDArray[Any]:
        proposals = [Proposal([1], 0, [0], [()], ahead=Ahead(each, 5)) for each in excluded]
        lasting.fill(proposals, np.array(slots))
        return array

    assert fill([1, 0], [4, 5], [6])[:, 2].tolist() == [[6, -1, -1, -1], [4, 5, -1, -1]]
    assert fill([1], [4])[:, 0].tolist() == [[-1, -1, -1, -1], [4, -1, -1, -1]]
    array[0] = 3
    assert (fill([1], [4])[0] == 3).all()  # the same again: nothing is written
