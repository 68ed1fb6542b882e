"""What the programs say where a package that they need is not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.missing import report_missing

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("model", "--help"), "train"),
        (("export",), "export"),
        (("benchmarks", "families"), "server,export,train,loadtest,dev"),
        (("benchmarks", "serving", "--quick"), "server,export,train,loadtest,dev"),
        (("loadtest", "--help"), "loadtest"),
        (("server",), "server"),
    ],
)
def test_a_program_without_its_packages_says_what_to_install_in_one_line(
    command: tuple[str, ...], extra: str
) -> None:
    # -I and -S: an interpreter that finds nothing but the standard library, and our own code.
    code = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1));"
        " runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(ROOT), *command],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert "is not installed here" in ended.stderr
    assert f"'.[{extra}]'" in ended.stderr
    assert "`make " in ended.stderr


def test_a_missing_module_of_our_own_is_a_fault_and_no_advice() -> None:
    error = ModuleNotFoundError("No module named 'model.gone'", name="model.gone")

    with pytest.raises(ModuleNotFoundError):
        report_missing(error, "python -m model", "train")
