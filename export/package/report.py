"""What a verification found, and what each number format is allowed."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tolerance:
    """What a precision is allowed to differ from PyTorch in float32."""

    encoder_relative_error: float
    # Between the log-probabilities of the oracle's tokens, fed to both: mean over all tokens.
    mean_log_probability_difference: float
    # Share of the oracle's tokens that the bundle would choose too, when fed the same beginning.
    agreement: float
    # Share of documents whose greedy summary is the same to the last token.
    equal_documents: float
    # The most that PyTorch in the bundle's own type may prefer its token by where the bundle
    # chooses another: such choices are near-ties that rounding decides.
    same_type_largest_margin: float | None = None


TOLERANCES = {
    "fp32": Tolerance(1e-4, 1e-3, 1.0, 1.0),
    "fp16": Tolerance(3e-3, 5e-3, 0.99, 0.0, same_type_largest_margin=0.05),
    "bf16": Tolerance(0.03, 0.04, 0.97, 0.0, same_type_largest_margin=0.4),
    "int8": Tolerance(0.06, 0.05, 0.97, 0.0),
}


@dataclass
class Report:
    """What was compared and what came out."""

    precision: str
    documents: int = 0
    tokens: int = 0
    encoder_relative_error: float = 0.0
    mean_log_probability_difference: float = 0.0
    largest_log_probability_difference: float = 0.0
    agreement: float = 0.0
    # The oracle's margin over its runner-up at the tokens where the bundle chose otherwise.
    largest_margin_at_disagreement: float = 0.0
    equal_documents: float = 0.0
    # Of half precision alone: how the bundle's numbers were computed, and the same questions put to
    # PyTorch in the bundle's own type.
    arithmetic: str | None = None
    same_type_tokens: int | None = None
    same_type_agreement: float | None = None
    same_type_largest_margin: float | None = None
    same_type_equal_documents: float | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the bundle may be used."""
        return not self.problems

    def judge(self) -> None:
        """Adds what is beyond the tolerance of the precision to the problems."""
        tolerance = TOLERANCES[self.precision]
        most = ["encoder_relative_error", "mean_log_probability_difference"]
        if tolerance.same_type_largest_margin is not None:
            most.append("same_type_largest_margin")
        for name in most:
            found, limit = getattr(self, name), getattr(tolerance, name)
            if not found <= limit:
                self.problems.append(f"{name} is {found:.3g}, at most {limit:.3g} allowed")
        for name in ("agreement", "equal_documents"):
            found, limit = getattr(self, name), getattr(tolerance, name)
            if not found >= limit:
                self.problems.append(f"{name} is {found:.3f}, at least {limit:.3f} needed")
