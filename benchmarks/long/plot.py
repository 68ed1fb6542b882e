"""Time and memory by length, as a picture."""

from pathlib import Path
from typing import Any


def plot_lengths(report: dict[str, Any], target: Path) -> None:
    """Writes an SVG or PNG, as the target's name says."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and the file is the same for the same figures.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "precis"}
    figure, (times, memory) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for way in dict.fromkeys(row["way"] for row in report["rows"]):
        rows = [row for row in report["rows"] if row["way"] == way]
        lengths = [row["characters"] for row in rows]
        times.plot(lengths, [row["seconds"] for row in rows], marker="o", label=way)
        memory.plot(lengths, [row["peak_mb"] for row in rows], marker="o", label=way)
    for axes, name in ((times, "processor seconds"), (memory, "peak memory above the model's, MB")):
        axes.set_xscale("log")
        axes.set_xlabel("characters")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    times.set_yscale("log")
    times.legend()
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else {})
    plt.close(figure)
