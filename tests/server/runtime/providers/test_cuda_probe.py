"""Why CUDA cannot be used is found out without a session, and without a word on stdout."""

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from server.runtime.providers.cuda import why_no_cuda

NEEDED = (
    "libonnxruntime_providers_shared.so",
    "libonnxruntime_providers_cuda.so",
    "libcudnn.so.9",
)


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A machine on which some libraries cannot be loaded; gives those that were asked for."""

    def having(*, missing: Sequence[str] = (), printed: str = "") -> list[str]:
        asked: list[str] = []

        def load(path: str, **how: Any) -> None:
            asked.append(Path(path).name)
            if asked[-1] in missing:
                raise OSError(f"{asked[-1]}: cannot open shared object file")

        monkeypatch.setattr(ctypes, "CDLL", load)
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print(printed, end=""))
        return asked

    return having


def test_with_all_libraries_the_device_has_the_word(libraries: Callable[..., list[str]]) -> None:
    asked = libraries()

    assert why_no_cuda(lambda: None) is None
    assert why_no_cuda(lambda: "CUDA failure 100: no device") == "CUDA failure 100: no device"
    assert asked == [*NEEDED, *NEEDED]


@pytest.mark.parametrize("missing", NEEDED[1:])
def test_a_library_that_is_missing_is_named_and_the_device_not_asked(
    missing: str, libraries: Callable[..., list[str]]
) -> None:
    libraries(missing=[missing])

    def must_not_be_asked() -> None:
        raise AssertionError

    assert why_no_cuda(must_not_be_asked) == f"{missing}: cannot open shared object file"


def test_what_onnxruntime_prints_is_part_of_the_answer_and_not_printed(
    libraries: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    libraries(missing=NEEDED, printed="Failed to load libcurand.so.10: no such file\n")

    said = why_no_cuda(lambda: None)

    assert said == (
        "Failed to load libcurand.so.10: no such file\n"
        "libonnxruntime_providers_shared.so: cannot open shared object file"
    )
    assert capsys.readouterr().out == ""
