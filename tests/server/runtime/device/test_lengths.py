"""Documents of all lengths come and go: their lane is laid out anew, for longer and for shorter."""

import random
from typing import Any

from server.runtime.device.runner import DeviceRunner
from server.runtime.ort_runner import OrtRunner
from tests.server.runtime.device.conftest import Pair
from tests.server.runtime.device.test_device_runner import KINDS
from tests.server.runtime.documents import decoding, run, strategy, tokens

COUNT = 24
SOURCE_LENGTHS = (5, 30, 64, 65, 130, 300, 500)
SUMMARY_LENGTHS = (4, 16, 60)


def test_summaries_of_all_lengths_are_what_each_would_be_alone(relative: Pair) -> None:
    chance, bundle = random.Random(3), relative.bundle  # noqa: S311 - no secret
    ids = range(3, bundle.manifest.geometry.vocab_size)
    lengths = chance.choices(SOURCE_LENGTHS, k=COUNT - 4)
    documents = [chance.choices(ids, k=length) for length in (*lengths, 5, 5, 5, 300)]
    chosen: list[dict[str, Any]] = [
        {"max_tokens": chance.choice(SUMMARY_LENGTHS), **KINDS[chance.choice(list(KINDS))]}
        for _ in lengths
    ]
    chosen += [{"max_tokens": 16}] * 4
    # The last ones find an empty lane, where long documents were.
    arrivals = [*sorted(chance.choices(range(60), k=COUNT - 4)), *[1000] * 3, 1002]

    def written(runner: DeviceRunner | OrtRunner, first: int, end: int, *arrivals: int) -> Any:
        strategies = [
            strategy(bundle, document, decoding(**options))
            for document, options in zip(documents[first:end], chosen[first:end], strict=True)
        ]
        return tokens(run(runner, documents[first:end], strategies, arrivals))

    alone = [written(relative.plain.runner, row, row + 1, 0)[0] for row in range(COUNT)]
    assert written(relative.runner, 0, COUNT, *arrivals) == alone
