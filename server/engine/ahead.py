"""How many steps a runner takes by itself before anybody looks at what came of them.

A look costs a round trip: the device waits while the host reads, writes down and proposes anew. Not
to look costs too. A row that ends meanwhile goes on for nothing, and whoever asked for it hears of
it late; a newcomer that is ready has to wait. Of n steps at a stretch, with one look each, a step
loses on average, in row-steps for each row,

    look / n      its share of the look
    n / 2 / mean  half a stretch, for a row ends after `mean` steps of its own
    n / 2 / wait  half a stretch for each newcomer per row, ready after `wait` steps or so

and the sum is least at n = sqrt(2 look / (1 / mean + newcomers / rows / wait)). The optimum is
flat: at twice or half of that, the sum is a quarter more. So what a look costs is not measured but
fixed, and what is done depends on no clock.
"""

import math
from collections.abc import Sequence

# In steps. On a device that decodes some tens of rows it is about one.
_LOOK = 1.0
# Steps that the mean summary takes, before any was seen, and how many count in the mean.
_FIRST_MEAN = 32.0
_MEMORY = 64
# Steps until a document in the encoder, or about to enter it, is ready.
_WAIT = 8.0
# Of the rows, those that may be certain to be over before the next look.
_MOST_OVER = 1 / 8


class AheadPolicy:
    """Chooses by what rows have left to write, by who is coming, and by how long summaries are."""

    def __init__(self) -> None:
        self._mean = _FIRST_MEAN

    def learn(self, steps: int) -> None:
        """Takes how many steps a summary took that was completed."""
        self._mean += (max(1, steps) - self._mean) / _MEMORY

    def steps_ahead(self, most: int, tokens_left: Sequence[int], newcomers: int) -> int:
        """How many steps to take beyond the one proposed, `most` at most.

        tokens_left is how many tokens each row may write after the next one, and a step writes at
        least one; newcomers are the documents that could start if they were encoded.
        """
        rows = len(tokens_left)
        most = min(most, sorted(tokens_left)[int(_MOST_OVER * rows)])
        stretch = math.sqrt(2 * _LOOK / (1 / self._mean + newcomers / rows / _WAIT))
        return max(0, min(most, round(stretch) - 1))
