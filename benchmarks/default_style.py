"""The style that a summary has where nobody asks for another."""

from bundle.manifest import Manifest, Style


def default_style(manifest: Manifest) -> Style:
    """Finds it; a manifest without one was refused when it was read."""
    style = manifest.style(manifest.default_style)
    assert style is not None, "every manifest has its default style"
    return style
