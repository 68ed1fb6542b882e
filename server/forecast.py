"""Predicts the work of a document before it is tokenised, from earlier documents."""

from bundle.manifest import Style
from server.engine.pace import Work
from server.types import DecodingOptions, FinishReason, Method

# The newest document's part in each mean.
_NEWEST = 0.1
# Before anything was seen: bytes of UTF-8 for a token, which are alike in many languages, the part
# of a style's longest summary that most are short of, and tokens for a decoder step.
_BYTES_PER_TOKEN = 4.5
_LENGTH_OF_LONGEST = 0.4
_TOKENS_PER_STEP = 1.2


class Forecast:
    """Learns from every summary; for one event loop."""

    def __init__(self) -> None:
        self._bytes_per_token = _BYTES_PER_TOKEN
        self._lengths: dict[str, float] = {}
        self._tokens_per_step = dict.fromkeys(Method, 1.0)
        self._tokens_per_step[Method.GREEDY] = _TOKENS_PER_STEP

    def tokens(self, document_bytes: int) -> int:
        """How many source tokens a document has, about."""
        return max(1, round(document_bytes / self._bytes_per_token))

    def steps(self, style: Style, options: DecodingOptions) -> int:
        """After how many decoder steps its summary will be complete, about."""
        length = self._lengths.get(style.name, _LENGTH_OF_LONGEST * style.defaults.max_tokens)
        length = min(max(length, options.min_tokens), options.max_tokens)
        return max(1, round(length / self._tokens_per_step[options.method]))

    def work(self, style: Style, options: DecodingOptions, tokens: int) -> Work:
        """What a document of so many tokens asks of the machine."""
        steps = self.steps(style, options)
        return Work.of_document(tokens=tokens, steps=steps, width=_width(options))

    def read(self, document_bytes: int, tokens: int) -> None:
        """Learns from the true number of tokens of a document."""
        self._bytes_per_token += _NEWEST * (document_bytes / max(1, tokens) - self._bytes_per_token)

    def written(
        self,
        style: Style,
        options: DecodingOptions,
        *,
        tokens: int,
        steps: int,
        reason: FinishReason,
    ) -> None:
        """Learns from the length of a finished summary, unless its request fixed the length."""
        method = options.method
        per_step = tokens / max(1, steps)
        self._tokens_per_step[method] += _NEWEST * (per_step - self._tokens_per_step[method])
        was_cut_short = options.max_tokens < style.defaults.max_tokens
        was_drawn_out = options.min_tokens > style.defaults.min_tokens
        if was_drawn_out or (was_cut_short and reason is FinishReason.LENGTH):
            return
        known = self._lengths.get(style.name, _LENGTH_OF_LONGEST * style.defaults.max_tokens)
        self._lengths[style.name] = known + _NEWEST * (tokens - known)


def _width(options: DecodingOptions) -> int:
    """Cache rows that it holds."""
    match options.method:
        case Method.BEAM_SEARCH:
            return options.num_beams
        case Method.SAMPLING:
            return options.num_summaries
        case Method.GREEDY:
            return 1
