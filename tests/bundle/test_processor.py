"""A processor's instruction set is read from what Linux says of it."""

import platform
from pathlib import Path

import pytest

from bundle.processor import instruction_set

ZEN_3 = "fpu sse2 avx avx2 fma"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"flags\t\t: {ZEN_3} avx512bw avx_vnni avx512_vnni amx_tile amx_int8", "amx-int8"),
        (f"flags\t\t: {ZEN_3} avx512f avx512bw avx512_vnni", "avx512-vnni"),
        (f"flags\t\t: {ZEN_3} avx_vnni", "avx-vnni"),
        (f"flags\t\t: {ZEN_3} avx512f avx512bw", "avx512"),
        (f"flags\t\t: {ZEN_3}", "avx2"),
        ("flags\t\t: fpu sse2", "sse2"),
        ("Features\t: fp asimd asimddp i8mm", "neon-i8mm"),
        ("Features\t: fp asimd asimddp", "neon-dotprod"),
        ("Features\t: fp asimd", "neon"),
    ],
)
def test_the_best_instruction_set_names_the_processor(
    line: str, expected: str, tmp_path: Path
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: avx512_vnni 9000\n{line}\n", "utf-8")
    assert instruction_set(cpuinfo) == expected


@pytest.mark.parametrize("content", ["", "flags\t: fpu\n"])
def test_an_unknown_processor_is_named_by_its_architecture(content: str, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(content, "utf-8")
    assert instruction_set(cpuinfo) == platform.machine()


def test_without_cpuinfo_the_architecture_is_the_answer(tmp_path: Path) -> None:
    assert instruction_set(tmp_path / "none") == platform.machine()
