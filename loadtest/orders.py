"""What is said to a generator, which may be another process or on another machine: plain data."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from loadtest.scenario import CorpusTable, MixEntry, Phase


class Message(BaseModel):
    """Read from JSON as strictly as a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(Message):
    """Where the calls go, and how."""

    address: str
    tls: bool = False
    ca: Path | None = None  # certificates to trust, in PEM; else those that come with gRPC
    cert: Path | None = None  # our own certificate and its key, where the server asks for one
    key: Path | None = None
    server_name: str | None = None  # the name in the server's certificate, if it is not the host
    metadata: tuple[tuple[str, str], ...] = ()
    # Connections of a generator, which its calls take in turn; 0 is one for each user.
    connections: Annotated[int, Field(ge=0, le=10_000)] = 4
    # What speaks the protocol: a module and a class of it, see engine/caller.py.
    caller: str = "loadtest.engine.summarizer_caller:SummarizerCaller"


class Work(Message):
    """What is sent in all phases."""

    seed: str
    corpus: CorpusTable
    mix: tuple[MixEntry, ...]


class Setup(Message):
    """What holds for the whole run."""

    target: Target
    work: Work


class Order(Message):
    """One phase, and which part of it is this generator's."""

    number: int  # of the phase within the run
    phase: Phase
    start_s: float  # of the run's clock
    share: int = 0
    shares: int = 1


class Line(Message):
    """One line to a generator: one of these."""

    setup: Setup | None = None
    order: Order | None = None
    stop: bool = False
