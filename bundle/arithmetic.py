"""What keeps 8-bit products exact on every processor.

On x86 without VNNI onnxruntime multiplies uint8 by int8 with `vpmaddubsw`, which adds two products
in 16 bits and cuts off what is above 32,767: 255 * 127 * 2 = 64,770 does not fit. VNNI and Arm add
in 32 bits. Both halves of the remedy are part of what a bundle means, so they stand here for the
exporter and the server alike; docs/adr/0015-exact-integers.md has the measurements.
"""

from typing import Protocol

from bundle.processor import instruction_set

_ADDS_IN_32_BITS = {"amx-int8", "avx512-vnni", "avx-vnni", "neon", "neon-dotprod", "neon-i8mm"}
_EXACT_CONSTANTS = {"session.x64quantprecision": "1"}

# The session option knows constants only. Where both factors come from the graph, the signed one
# stays within this: 255 * 63 * 2 = 32,130.
LARGEST_SIGNED = 63


class SessionOptions(Protocol):
    """What is needed here of onnxruntime's, which this package does not import."""

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Sets one option by name."""


def make_products_exact(options: SessionOptions) -> None:
    """Sets what this processor needs, where it needs anything.

    Constant int8 weights that could overflow become uint8 when the session is made, and run on a
    slower, exact kernel. Where VNNI is, this would only be slow: onnxruntime 1.31 changes the
    weights there too, and its kernels for uint8 by uint8 no longer use VNNI.
    """
    if not is_exact_anyway(instruction_set()):
        for key, value in _EXACT_CONSTANTS.items():
            options.add_session_config_entry(key, value)


def is_exact_anyway(instructions: str) -> bool:
    """Whether a processor with this instruction set adds products in 32 bits."""
    return instructions in _ADDS_IN_32_BITS
