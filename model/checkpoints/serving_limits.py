"""What PyTorch can do and a bundle cannot: told by `inspect`, refused by the exporter."""

from model.decoding.decoding_options import BeamOptions
from model.network.config import ModelConfig

# Caches of another shape, or projections of the whole source at every step, which need the shapes
# that a captured graph must not ask for, are left to PyTorch.
EXPORTABLE_ATTENTION = {
    "copy_attention": ("general", "dot", "scaled_dot_product", "additive", "weighted"),
    "cross_attention": ("multi_head",),
}

# Rules about what may be written keep a checkpoint from being served where the server has none of
# the kind. renormalize_logits does not: it changes the scores of beams by what the rules exclude,
# which a trained model hardly ever likes.
_UNSERVED = {
    "encoder_no_repeat_ngram_size": "encoder_no_repeat_ngram_size",
    "not_first_ids": "begin_suppress_tokens",
}


def unexportable(config: ModelConfig) -> list[str]:
    """The keys of config.json whose attention exists in PyTorch alone, each with its choices."""
    return [
        f"{key}={getattr(config, key)!r} cannot be exported; only {', '.join(exportable)} can"
        for key, exportable in EXPORTABLE_ATTENTION.items()
        if getattr(config, key) not in exportable and (config.copy_head or key != "copy_attention")
    ]


def unserved(options: BeamOptions) -> list[str]:
    """The generation settings that the server does not keep."""
    neutral = BeamOptions()
    settings = [
        f"{key}={getattr(options, field)}"
        for field, key in _UNSERVED.items()
        if getattr(options, field) != getattr(neutral, field)
    ]
    if options.num_beams > 1 and options.early_stopping == "never":
        settings.append("early_stopping=never")
    if runs := [run for run in options.banned_runs if len(run) > 1]:
        settings.append(f"bad_words_ids with runs such as {list(runs[0])}")
    return settings
