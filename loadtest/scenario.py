"""What a scenario may say: the keys of its TOML file, their ranges and their defaults."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Table(BaseModel):
    """A table of the file: no key but those below, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CorpusTable(Table):
    """Which documents are sent."""

    folders: tuple[str, ...] = ("tests/data", "examples")  # from the folder that loadtest/ is in
    language: Literal["any", "en", "zh"] = "en"
    # Estimated, since the load generator has no tokenizer: by characters, see corpus.py.
    tokens: tuple[int, int] = (150, 300)
    # Texts of one language are put together until they are long enough.
    join: bool = False
    # Ends each document with the number of its call, so that the server has no two alike in hand
    # and answers none from a cache.
    distinct: bool = True


Kind = Literal["Summarize", "SummarizeStream", "SummarizeBatch"]


class MixEntry(Table):
    """One kind of call, and how often it is made among the others."""

    call: Kind = "Summarize"
    weight: Positive = 1.0
    label: str = ""  # a class of its own in the report, such as "long"
    corpus: CorpusTable | None = None  # instead of the scenario's
    style: str = ""
    options: dict[str, bool | int | float | str] = {}  # fields of DecodingOptions
    long_documents: Literal["auto", "refuse", "truncate", "select", "cover"] = "auto"
    deadline_s: Positive = 30.0
    cancel_after_s: Positive | None = None  # the caller hangs up then
    retries: Annotated[int, Field(ge=0, le=10)] = 0  # they wait as long as the server says
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 8  # documents of one SummarizeBatch


class Phase(Table):
    """One load: open if it says a rate or times `at_s`, closed if it says `users`."""

    name: Annotated[str, Field(min_length=1)]
    seconds: Positive
    warm_up_s: NotNegative = 0.0  # the first of these seconds; left out of the figures
    rate: Positive | None = None  # arrivals a second
    of_probe: Positive | None = None  # the rate, as a part of what a probe finds; see [probe]
    rate_to: Positive | None = None  # the rate changes evenly to this one
    arrivals: Literal["poisson", "constant"] = "poisson"
    at_s: tuple[NotNegative, ...] | None = None  # arrivals at these seconds: a trace
    trace: str | None = None  # a file of such seconds, one a line, beside the scenario's
    in_flight: Annotated[int, Field(ge=1)] = 512  # an arrival beyond is dropped
    users: Annotated[int, Field(ge=1)] | None = None
    think_s: NotNegative = 0.0  # pause of a user after each answer
    calls: tuple[Kind, ...] | None = None  # only these of the mix
    judged: bool = True  # whether the gates of [slo] hold for it
    slo: dict[str, NotNegative] | None = None  # gates of its own instead

    @model_validator(mode="after")
    def _check(self) -> Self:
        keys = ("rate", "of_probe", "at_s", "users")
        loads = [key for key in keys if getattr(self, key) is not None]
        if len(loads) != 1:
            told = " and ".join(loads) or "none"
            raise ValueError(f"needs one of rate, of_probe, at_s, trace and users, and has {told}")
        if self.rate_to is not None and self.rate is None:
            raise ValueError("rate_to needs a rate to start from")
        if self.warm_up_s >= self.seconds:
            raise ValueError(
                f"warm_up_s = {self.warm_up_s} leaves nothing of seconds = {self.seconds}"
            )
        if self.at_s is not None and list(self.at_s) != sorted(self.at_s):
            raise ValueError("the times of a trace must ascend")
        return self

    @property
    def model(self) -> str:
        """Whether callers come regardless of answers ("open") or wait for them ("closed")."""
        return "closed" if self.users is not None else "open"

    @property
    def level(self) -> float | None:
        """Arrivals a second, or users; None where it changes."""
        if self.users is not None:
            return float(self.users)
        return self.rate if self.rate_to is None else None

    def at_capacity(self, capacity: float) -> Self:
        """Gives the phase with its rate in calls a second, once a probe has found the capacity."""
        if self.of_probe is None:
            return self
        rate = float(f"{self.of_probe * capacity:.3g}")
        return self.model_copy(update={"rate": rate, "of_probe": None})


class ProbeTable(Table):
    """Finds what the target can do, before the first phase that asks for a part of it.

    So many users ask again as soon as they are answered; the calls served a second are the
    capacity. A short probe is rough: a longer one finds the same twice. One that had too few calls
    to tell anything is made again in twice the time.
    """

    users: Annotated[int, Field(ge=1)] = 4
    seconds: Positive = 8.0
    warm_up_s: NotNegative = 1.0
    least_calls: Annotated[int, Field(ge=1)] = 10
    attempts: Annotated[int, Field(ge=1, le=10)] = 3

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.warm_up_s >= self.seconds:
            raise ValueError(f"warm_up_s = {self.warm_up_s} leaves nothing to measure")
        return self

    def phase(self, attempt: int) -> Phase:
        """Makes the phase that probes, for the first time (0) or again."""
        return Phase(
            name="probe",
            seconds=self.seconds * 2**attempt,
            warm_up_s=self.warm_up_s,
            users=self.users,
            judged=False,
        )


class SearchTable(Table):
    """Looks for the highest rate that keeps the gates: doubling until one fails, then halving."""

    lowest: Positive = 1.0
    highest: Positive = 1000.0
    precision: Annotated[float, Field(gt=0, lt=1)] = 0.05  # where to stop, as a part of the rate
    seconds: Positive = 30.0
    warm_up_s: NotNegative = 5.0
    arrivals: Literal["poisson", "constant"] = "poisson"
    in_flight: Annotated[int, Field(ge=1)] = 512
    then: tuple[Positive, ...] = (0.5, 0.7, 0.9)  # parts of that rate to measure afterwards
    then_seconds: Positive = 60.0
    least_calls: Annotated[int, Field(ge=1)] = 100  # due in a probe, however long that takes
    attempts: Annotated[int, Field(ge=1, le=10)] = 2  # of a probe: a machine may stall by chance

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest = {self.lowest} is above highest = {self.highest}")
        if self.warm_up_s >= min(self.seconds, self.then_seconds):
            raise ValueError(f"warm_up_s = {self.warm_up_s} leaves nothing to measure")
        return self

    def probe(self, rate: float) -> Phase:
        """Makes the phase that tries a rate."""
        seconds = max(self.seconds, self.warm_up_s + self.least_calls / rate)
        return self._phase(f"probe {rate:g}/s", rate, seconds)

    def longer_probe(self, rate: float) -> Phase:
        """Makes the phase that a rate is confirmed by."""
        seconds = max(self.then_seconds, self.probe(rate).seconds)
        return self._phase(f"probe {rate:g}/s, longer", rate, seconds)

    def part(self, part: float, highest: float) -> Phase:
        """Makes the phase that measures at a part of the highest rate.

        Its name is the same whatever that rate is, so that two runs can be compared.
        """
        rate = float(f"{part * highest:.3g}")
        return self._phase(f"{100 * part:g} % of the highest rate", rate, self.then_seconds)

    def _phase(self, name: str, rate: float, seconds: float) -> Phase:
        return Phase(
            name=name,
            seconds=seconds,
            warm_up_s=self.warm_up_s,
            rate=rate,
            arrivals=self.arrivals,
            in_flight=self.in_flight,
        )


class Scenario(Table):
    """A whole file."""

    description: Annotated[str, Field(min_length=1)]
    seed: int = 0  # of arrivals and of the choice of documents
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    corpus: CorpusTable = CorpusTable()
    mix: Annotated[tuple[MixEntry, ...], Field(min_length=1)] = (MixEntry(),)
    probe: ProbeTable = ProbeTable()  # made only where a phase has `of_probe`
    phases: tuple[Phase, ...] = ()
    search: SearchTable | None = None
    slo: dict[str, NotNegative] = {}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.phases and self.search is None:
            raise ValueError("needs [[phases]] or [search]")
        kinds = {entry.call for entry in self.mix}
        for phase in self.phases:
            if phase.calls is not None and not kinds.intersection(phase.calls):
                raise ValueError(f"phase {phase.name!r} has calls that the mix has not")
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise ValueError(f"two phases have the same name: {', '.join(names)}")
        if self.needs_probe and "probe" in names:
            raise ValueError("a phase is named 'probe', which is the name of the probe itself")
        return self

    @property
    def needs_probe(self) -> bool:
        """Whether a probe has to find the rates."""
        return any(phase.of_probe is not None for phase in self.phases)

    @property
    def measured_phases(self) -> int | None:
        """How many phases a run goes through; None of a search, which nobody knows beforehand."""
        if self.search is not None:
            return None
        return len(self.phases) * self.repeats + self.needs_probe
