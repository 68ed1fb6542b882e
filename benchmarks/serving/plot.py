"""p99 against the rate, one line a contender."""

from pathlib import Path
from typing import Any

from benchmarks.serving.capacity import P99_MS


def plot_serving(report: dict[str, Any], target: Path) -> None:
    """Writes an SVG or PNG, as the target's name says."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    # Text stays text, and the file is the same for the same figures.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "precis"}
    models = list(dict.fromkeys(one["of"] for one in report["contenders"]))
    figure, all_axes = plt.subplots(
        1, len(models), figsize=(5 * len(models), 4), layout="constrained", sharey=True,
        squeeze=False,
    )  # fmt: skip
    for axes, model in zip(all_axes[0], models, strict=True):
        for one in report["contenders"]:
            if one["of"] == model:
                points = points_of(one)
                rates, p99s_ms = [rate for rate, _ in points], [p99_ms for _, p99_ms in points]
                axes.plot(rates, p99s_ms, marker="o", markersize=3, label=one["server"])
        axes.axhline(P99_MS, color="grey", linestyle=":", linewidth=1)
        axes.set(title=model, xlabel="arrivals a second (Poisson)", yscale="log", xlim=(0, None))
        axes.legend(fontsize=8)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    all_axes[0][0].set_ylabel("p99 ms (logarithmic), from when a call was due")
    target.parent.mkdir(parents=True, exist_ok=True)
    plain = {"Date": None} if target.suffix == ".svg" else {}
    figure.savefig(target, metadata=plain)
    plt.close(figure)


def points_of(contender: dict[str, Any]) -> list[tuple[float, float]]:
    """Rate and p99 of every open load in ascending order; the longer ones count where both were."""
    loads = {load["rate"]: load["p99_ms"] for load in contender["probes"]}
    loads |= {load["rate"]: load["p99_ms"] for load in contender["shares"]}
    return sorted((rate, p99_ms) for rate, p99_ms in loads.items() if p99_ms is not None)
