"""What a training run does, as frozen dataclasses; configs/default-h200.toml explains every key.

config_file.py reads them, and refuses unknown keys; values out of range are refused here.
"""

import json
from dataclasses import asdict, dataclass, field

from bundle.strict_json import parse
from model.training.points import interpolate


class TrainingConfigError(ValueError):
    """A configuration that no run can follow; says which key."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """A new network, for runs that start from nothing."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    feed_forward_width: int
    max_positions: int
    dropout: float = 0.1
    copy_head: bool = True
    copy_attention: str = "general"
    cross_attention: str = "multi_head"
    decoder_norm_gain: float = 1.0  # where the gain of the decoder's final norm starts


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """A new tokenizer, trained on the sources; likewise for runs that start from nothing."""

    vocabulary_size: int
    styles: tuple[str, ...]
    max_characters: int = 200_000_000  # of text to train on


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """One file of training data and its share in the samples."""

    path: str
    kind: str = "pairs"
    style: str | None = None  # of records that name none
    on_bad_line: str = "refuse"
    weight: float = 1.0
    share: tuple[tuple[float, ...], ...] | None = None  # (progress, share) points

    def __post_init__(self) -> None:
        _check_one_of("kind", self.kind, ("pairs", "gaps", "extracts"))
        _check_one_of("on_bad_line", self.on_bad_line, ("refuse", "skip"))
        _check_range("weight", self.weight, above=0)
        if self.share is not None:
            _check_points(self.share)


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is learnt from, and how much of each document is read."""

    sources: tuple[SourceConfig, ...]
    max_document_tokens: int
    max_summary_tokens: int
    too_long: str = "cut"
    sentence_share: float = 0.2  # of a text's sentences taken by `gaps` and `extracts`
    shifted_share: float = 0.0  # of documents that are read at positions further on, at random

    def __post_init__(self) -> None:
        if not self.sources:
            raise TrainingConfigError("sources is empty")
        _check_shares([source.share for source in self.sources])
        _check_one_of("too_long", self.too_long, ("cut", "drop", "refuse"))
        _check_range("max_document_tokens", self.max_document_tokens, least=1)
        _check_range("max_summary_tokens", self.max_summary_tokens, least=1)
        _check_range("shifted_share", self.shifted_share, least=0, most=1)
        _check_range("sentence_share", self.sentence_share, above=0, most=0.5)


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """How examples are put together."""

    tokens: int  # of one batch, padding counted
    accumulate: int = 1  # batches for one step, on each device
    pool: int = 64  # batches sorted by length together

    def __post_init__(self) -> None:
        for name in ("tokens", "accumulate", "pool"):
            _check_range(name, getattr(self, name), least=1)


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How gradients become steps."""

    learning_rate: float
    kind: str = "muon"
    weight_decay: float = 0.0
    gradient_clip: float = 1.0
    label_smoothing: float = 0.0
    skip_non_finite: int = 5  # steps in a row that may be left out before the run ends

    def __post_init__(self) -> None:
        _check_one_of("kind", self.kind, ("muon", "adamw"))
        _check_range("learning_rate", self.learning_rate, above=0)
        _check_range("weight_decay", self.weight_decay, least=0)
        _check_range("gradient_clip", self.gradient_clip, above=0)
        _check_range("label_smoothing", self.label_smoothing, least=0, most=1)
        _check_range("skip_non_finite", self.skip_non_finite, least=0)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """How long the run is, and the learning rate over it."""

    steps: int | None = None
    seconds: float | None = None
    warmup_steps: int = 0
    hold: float = 0.0  # the share of the run that stays at the full rate
    decay: str = "linear"
    floor: float = 0.0  # of the full rate, where the decay ends

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise TrainingConfigError("either steps or seconds must say how long the run is")
        _check_range("the length of the run", self.steps or self.seconds or 0, above=0)
        _check_one_of("decay", self.decay, ("constant", "linear", "cosine"))
        _check_range("warmup_steps", self.warmup_steps, least=0)
        _check_range("hold", self.hold, least=0, most=1)
        _check_range("floor", self.floor, least=0, most=1)


@dataclass(frozen=True, kw_only=True)
class ValidationConfig:
    """What tells whether it gets better."""

    path: str
    every_steps: int
    style: str | None = None  # of records that name none
    documents: int | None = None  # the first so many of the file
    rouge_documents: int = 0  # of which so many are summarised and scored
    metric: str = "loss"
    patience: int | None = None  # validations without a better score before the run ends

    def __post_init__(self) -> None:
        _check_one_of("metric", self.metric, ("loss", "rouge_l"))
        _check_range("every_steps", self.every_steps, least=1)
        _check_range("rouge_documents", self.rouge_documents, least=0)
        for name in ("documents", "patience"):
            if getattr(self, name) is not None:
                _check_range(name, getattr(self, name), least=1)
        if self.metric == "rouge_l" and not self.rouge_documents:
            raise TrainingConfigError("metric 'rouge_l' needs rouge_documents above 0")


@dataclass(frozen=True, kw_only=True)
class SavingConfig:
    """What is written, and when."""

    every_steps: int
    precision: str = "fp32"
    log_every_steps: int = 1

    def __post_init__(self) -> None:
        _check_one_of("precision", self.precision, ("fp32", "fp16", "bf16"))
        _check_range("every_steps", self.every_steps, least=1)
        _check_range("log_every_steps", self.log_every_steps, least=1)


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Low-rank changes to some matrices in place of changing all weights."""

    rank: int
    targets: tuple[str, ...]
    alpha: float | None = None  # the change is scaled by alpha / rank; None is rank itself

    def __post_init__(self) -> None:
        _check_range("rank", self.rank, least=1)
        if not self.targets:
            raise TrainingConfigError("targets is empty")
        if self.alpha is not None:
            _check_range("alpha", self.alpha, above=0)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The whole of a run's file."""

    data: DataConfig
    batches: BatchConfig
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    saving: SavingConfig
    seed: int = 1
    precision: str = "fp32"
    dropout: float | None = None  # in place of what the checkpoint says
    frozen: tuple[str, ...] = field(default=())  # parameters left as they are, by name pattern
    network: NetworkConfig | None = None
    tokenizer: TokenizerConfig | None = None
    validation: ValidationConfig | None = None
    lora: LoraConfig | None = None

    def __post_init__(self) -> None:
        _check_one_of("precision", self.precision, ("fp32", "bf16"))
        _check_range("seed", self.seed, least=0)
        if self.dropout is not None:
            _check_range("dropout", self.dropout, least=0, below=1)
        if (self.network is None) != (self.tokenizer is None):
            raise TrainingConfigError("network and tokenizer belong together: give both or neither")
        if self.lora is not None and self.network is not None:
            raise TrainingConfigError("lora is for a checkpoint: a new network has nothing to keep")
        longest = self.data.max_document_tokens + 2 + self.data.max_summary_tokens + 1
        if self.batches.tokens < longest:
            raise TrainingConfigError(
                f"batches.tokens is {self.batches.tokens}, too few for one example of the longest "
                f"document and summary ({longest} tokens)"
            )

    def to_json(self) -> str:
        """What `from_json` reads back as an equal configuration."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "TrainingConfig":
        """Read what `to_json` wrote."""
        return parse(cls, json.loads(text), "training.json")


def _check_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise TrainingConfigError(f"{name} must be one of {', '.join(known)}, not {value!r}")


def _check_range(
    name: str,
    value: float,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
) -> None:
    # Not the other way round: NaN must fail each of them.
    if least is not None and not value >= least:
        raise TrainingConfigError(f"{name} must be at least {least}, not {value}")
    if above is not None and not value > above:
        raise TrainingConfigError(f"{name} must be above {above}, not {value}")
    if most is not None and not value <= most:
        raise TrainingConfigError(f"{name} must be at most {most}, not {value}")
    if below is not None and not value < below:
        raise TrainingConfigError(f"{name} must be below {below}, not {value}")


def _check_points(points: tuple[tuple[float, ...], ...]) -> None:
    if not points or any(len(point) != 2 for point in points):
        raise TrainingConfigError(f"share must be a list of [progress, share] points, not {points}")
    progress = [point[0] for point in points]
    if progress != sorted(set(progress)):
        raise TrainingConfigError(f"the progress of share's points must rise, not be {progress}")
    for point in points:
        _check_range("progress", point[0], least=0, most=1)
        _check_range("share", point[1], least=0, most=1)


def _check_shares(shares: list[tuple[tuple[float, ...], ...] | None]) -> None:
    # Sums of straight lines bend at their points alone: what holds at each holds between them.
    lines = [points for points in shares if points is not None]
    for progress in sorted({point[0] for points in lines for point in points}):
        taken = sum(interpolate(points, progress) for points in lines)
        if taken > 1 + 1e-9:
            raise TrainingConfigError(
                f"the shares of the sources sum to {taken:g} at progress {progress:g}; "
                "the limit is 1"
            )
        if not taken and len(lines) == len(shares):
            raise TrainingConfigError(f"no source has a share at progress {progress:g}")
