"""Why some well-known checkpoints do not run here, and which family is closest to each."""

from collections.abc import Sequence
from typing import NoReturn

from model.checkpoints.families.family import Family
from model.network.config import ConfigError


class UnsupportedFamily(ConfigError):
    """A checkpoint of a family that the network does not run; says why, and what is closest."""

    def __init__(self, name: str, reason: str, closest: str, known: Sequence[str]) -> None:
        super().__init__(
            f"{name} is not supported: {reason}; the closest family that is: {closest} "
            f"(all: {', '.join(known)})"
        )
        self.name, self.reason, self.closest = name, reason, closest


# model_type -> why not, and what is closest.
_KNOWN = {
    "bigbird_pegasus": ("its encoder's attention is block-sparse and partly random", "LED"),
    "longt5": ("its encoder's attention is local or transient-global", "LED"),
    "pegasus_x": ("its encoder's attention is block-local with tokens of its own", "LED"),
    "prophetnet": ("it predicts several tokens at once, from streams of attention", "BART"),
    "xlm-prophetnet": ("it predicts several tokens at once, from streams of attention", "mBART"),
    "umt5": ("each of its layers has a relative bias of its own", "mT5"),
    "switch_transformers": ("its feed-forwards are mixtures of experts", "T5"),
    "nllb-moe": ("its feed-forwards are mixtures of experts", "mBART"),
    "m2m_100": ("its sinusoids are laid out otherwise and skip padding", "mBART"),
    "plbart": ("it is BART with another norm, for code", "BART"),
    "mvp": ("it is BART with prompts in each attention", "BART"),
    "blenderbot": ("it is made for dialogue", "BART"),
    "blenderbot-small": ("it is made for dialogue", "BART"),
    "fsmt": ("its encoder and decoder have a vocabulary each", "Marian"),
    "t5gemma": ("its positions are rotary, and its attention is grouped", "T5"),
    "encoder-decoder": ("it joins two models of any kind", "BART"),
    "whisper": ("it reads sound, not text", "BART"),
    "speech_to_text": ("it reads sound, not text", "BART"),
    "vision-encoder-decoder": ("it reads pictures, not text", "BART"),
}

_NO_ENCODER = "it is decoder-only: nothing encodes the document once for every step"
_NO_WORDS = "it has no output over words (no LM head), so it cannot write"

# How transformers ends the names of what each kind of model is for.
_ENDINGS = {
    "ForCausalLM": _NO_ENCODER,
    "LMHeadModel": _NO_ENCODER,
    "EncoderModel": "it is an encoder alone: it has no decoder to write with",
    "ForMaskedLM": "it is an encoder alone: it has no decoder to write with",
    "ForPreTraining": "it is an encoder alone: it has no decoder to write with",
    "ForSequenceClassification": _NO_WORDS,
    "ForTokenClassification": _NO_WORDS,
    "ForQuestionAnswering": _NO_WORDS,
    "Model": _NO_WORDS,
}


def refuse(
    architecture: str | None, model_type: str | None, families: Sequence[Family]
) -> NoReturn:
    """Raise `UnsupportedFamily` for what config.json says of itself."""
    known = [family.name for family in families]
    relative = next((f.name for f in families if f.model_type == model_type), None)
    name = architecture or model_type
    if name is None:
        reason = "config.json names neither architectures nor model_type"
        raise UnsupportedFamily("the checkpoint", reason, "BART", known)
    if model_type in _KNOWN:
        raise UnsupportedFamily(name, *_KNOWN[model_type], known)
    for ending, reason in _ENDINGS.items():
        if name.endswith(ending):
            raise UnsupportedFamily(name, reason, relative or "BART", known)
    raise UnsupportedFamily(name, "its architecture is unknown here", relative or "BART", known)
