"""What keeps 8-bit products exact on every processor.

On x86 without VNNI onnxruntime multiplies uint8 by int8 with `vpmaddubsw`, which adds two products
in 16 bits and cuts off what is above 32,767: 255 * 127 * 2 = 64,770 does not fit. VNNI and Arm add
in 32 bits. Both halves of the remedy are part of what a bundle means, so they stand here for the
exporter and the server alike; docs/adr/0015-exact-integers.md has the measurements.
"""

from collections.abc import Mapping

_ADDS_IN_32_BITS = {"amx-int8", "avx512-vnni", "avx-vnni", "neon", "neon-dotprod", "neon-i8mm"}
_EXACT_CONSTANTS = {"session.x64quantprecision": "1"}

# The session option knows constants only. Where both factors come from the graph, the signed one
# stays within this: 255 * 63 * 2 = 32,130.
LARGEST_SIGNED = 63


def exact_session_entries(instruction_set: str) -> Mapping[str, str]:
    """Entries of onnxruntime's SessionOptions that a processor needs.

    Constant int8 weights that could overflow become uint8 when the session is made, and run on a
    slower, exact kernel. Where VNNI is, this would only be slow: onnxruntime 1.31 changes the
    weights there too, and its kernels for uint8 by uint8 no longer use VNNI.
    """
    return {} if instruction_set in _ADDS_IN_32_BITS else _EXACT_CONSTANTS
