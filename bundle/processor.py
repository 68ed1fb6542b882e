"""What integer and vector instructions this processor has, in one word.

Integer products of a bundle are exact on all of them. Floating-point kernels round differently from
one to the next, so every report of figures and every server says which it ran on.
"""

import platform
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
# In the order in which onnxruntime looks for them; the flags are those of /proc/cpuinfo.
_X86 = (
    ("amx_int8", "amx-int8"),
    ("avx512_vnni", "avx512-vnni"),
    ("avx512bw", "avx512"),
    ("avx_vnni", "avx-vnni"),
    ("avx2", "avx2"),
    ("sse2", "sse2"),
)
_ARM = (("i8mm", "neon-i8mm"), ("asimddp", "neon-dotprod"), ("asimd", "neon"))


@cache  # the kernel works the file out anew for every reader, and each session asks
def instruction_set(cpuinfo: Path = _CPUINFO) -> str:
    """The widest instruction set for 8-bit products; the machine's architecture if unknown."""
    try:
        lines = cpuinfo.read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            flags = set(value.split())
            return next((name for flag, name in _X86 + _ARM if flag in flags), platform.machine())
    return platform.machine()
