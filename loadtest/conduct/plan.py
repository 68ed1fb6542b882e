"""What a run is to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtest.orders import Target
from loadtest.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A scenario and where to carry it out."""

    name: str  # of the scenario
    title: str
    scenario: Scenario
    target: Target
    metrics_url: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)  # lines for the recipe
