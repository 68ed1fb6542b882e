"""The lanes that suit a model."""

from bundle.manifest import Manifest

# Sources share a lane up to the next of these lengths: more lanes waste less on padding, but each
# takes a decoder step of its own.
_SHORTER_LANES = (512,)


def lanes_for(manifest: Manifest) -> tuple[int, ...]:
    """Longest source of each lane, ascending: the last one holds the longest that it can read."""
    longest = manifest.longest_source
    return (*(lane for lane in _SHORTER_LANES if lane < longest), longest)
