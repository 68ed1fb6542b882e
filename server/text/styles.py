"""The styles that a server serves: those of the bundle, and one of its own."""

from collections.abc import Sequence
from dataclasses import replace

from bundle.manifest import DecodingDefaults, Manifest, Style

EXTRACT = "extract"
_EXTRACT_TOKENS = 128


def served_styles(manifest: Manifest, max_summary_tokens: int) -> Sequence[Style]:
    """The bundle's styles, and "extract" unless the bundle has one of that name.

    A brief of the model's own leads to the key sentences, so the document is put to it as in the
    default style.
    """
    if manifest.style(EXTRACT) is not None:
        return manifest.styles
    extract = replace(
        manifest.style_by_default,
        name=EXTRACT,
        description="Key sentences of the document, word for word, with where each stands in it.",
        defaults=DecodingDefaults(max_tokens=min(_EXTRACT_TOKENS, max_summary_tokens)),
    )
    return (*manifest.styles, extract)
