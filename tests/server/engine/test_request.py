"""What another thread may change while the engine looks at it."""

from server.decoding.greedy import Greedy
from server.engine.request import EngineRequest, Row, Terms
from server.types import DecodingOptions
from tests.server.engine.scripted import SPECIAL


class RecalledTerms(Terms):
    """The deadline is taken back as soon as it has been looked at."""

    @property
    def deadline_s(self) -> float | None:  # type: ignore[override]
        deadline_s, self._deadline_s = self._deadline_s, None
        return deadline_s

    @deadline_s.setter
    def deadline_s(self, deadline_s: float | None) -> None:
        self._deadline_s = deadline_s


def test_a_deadline_that_is_taken_back_between_two_looks_does_no_harm() -> None:
    strategy = Greedy(DecodingOptions(max_tokens=2), SPECIAL)
    terms = RecalledTerms(deadline_s=5.0)
    row = Row(EngineRequest(id=0, source_ids=[1], strategy=strategy, terms=terms), submitted_s=0.0)
    assert row.is_expired(now_s=5.0)
    assert not row.is_expired(now_s=5.0)
