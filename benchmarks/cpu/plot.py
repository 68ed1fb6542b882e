"""The tour as a picture: the speed of everybody, case by case."""

from pathlib import Path
from typing import Any

_BAR_INCHES, _CASE_INCHES = 0.16, 0.25


def plot_tour(report: dict[str, Any], target: Path) -> None:
    """Writes an SVG or PNG, as the target's name says."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and the file is the same for the same figures.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "precis"}
    timed = [case for case in report["cases"] if not case["measures_memory"]]
    names = list(dict.fromkeys(name for case in timed for name in case["contenders"]))
    colours = {name: f"C{index}" for index, name in enumerate(names)}
    num_bars = sum(len(case["contenders"]) for case in timed)
    height = num_bars * _BAR_INCHES + len(timed) * _CASE_INCHES + 1
    figure, axes = plt.subplots(figsize=(10, height), layout="constrained")
    y, ticks = 0.0, {}
    for case in timed:
        first = y
        for name, figures in case["contenders"].items():
            speed = figures["documents_per_s"]
            axes.barh(y, speed, height=0.9, color=colours[name])
            axes.text(speed, y, f" {speed:.2f}", va="center", fontsize=7)
            y += 1
        ticks[(first + y - 1) / 2] = case["case"]
        y += _CASE_INCHES / _BAR_INCHES
    axes.set_yticks(list(ticks), list(ticks.values()), fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.1, y=0.02)
    axes.set_xlabel("documents a second (logarithmic)")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours[name]) for name in names]
    figure.legend(handles, names, fontsize=8, loc="outside upper center", ncols=4)
    target.parent.mkdir(parents=True, exist_ok=True)
    plain = {"Date": None} if target.suffix == ".svg" else {}
    figure.savefig(target, metadata=plain)
    plt.close(figure)
