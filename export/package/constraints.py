"""What a checkpoint's generation settings become in a bundle, and which of them cannot."""

from dataclasses import dataclass
from pathlib import Path

from bundle.decoding import OPTIONS
from bundle.manifest import DecodingDefaults, SpecialTokens
from model.checkpoints.checkpoint import never_emitted_ids
from model.checkpoints.generation_defaults import GenerationDefaults
from model.checkpoints.serving_limits import unserved
from model.network.config import ConfigError, ModelConfig

# Where they say nothing else than a bundle without them, they are left out of its manifest.
_OTHER_DEFAULTS = ("num_beams", "length_penalty", "early_stopping", "repetition_penalty")


class UnservedSettingError(ConfigError):
    """A checkpoint asks for rules that the server does not keep; the message lists them."""


@dataclass(frozen=True)
class BundleConstraints:
    """The parts of a manifest that say how to decode."""

    special_tokens: SpecialTokens
    defaults: DecodingDefaults
    prefix_text: str = ""


def bundle_constraints(
    tokenizer_file: Path, config: ModelConfig, generation: GenerationDefaults
) -> BundleConstraints:
    """Raises `UnservedSettingError` where a summary would break one of the checkpoint's rules."""
    options = generation.options
    if settings := unserved(options):
        raise UnservedSettingError(
            f"the checkpoint sets {', '.join(settings)}, which the server does not do; export it "
            "without, by setting them to null in its generation_config.json"
        )
    banned = {run[0] for run in options.banned_runs} | set(options.banned_ids)
    special_tokens = SpecialTokens(
        pad_id=config.pad_id,
        end_id=config.end_id,
        decoder_start_id=config.start_id,
        never_emitted_ids=tuple(sorted(banned | set(never_emitted_ids(tokenizer_file, config)))),
        forced_first_id=options.forced_first,
        forced_last_id=options.forced_last,
    )
    defaults = DecodingDefaults(
        max_tokens=options.max_tokens,
        min_tokens=options.min_tokens,
        no_repeat_ngram_size=options.no_repeat_ngram_size,
        **{
            name: getattr(options, name)
            for name in _OTHER_DEFAULTS
            if getattr(options, name) != OPTIONS[name].neutral
        },
    )
    return BundleConstraints(special_tokens, defaults, generation.prefix)
