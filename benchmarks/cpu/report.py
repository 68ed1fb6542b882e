"""The tables of a tour."""

from collections.abc import Iterator, Sequence
from typing import Any

Summary = dict[str, Any]


def tour_table(report: dict[str, Any]) -> str:
    """Goals, if there were any, then every contender of every case."""
    parts = [_goals_table(report["cases"], report.get("quality", []))] if _goals(report) else []
    parts.append(_speed_table(report["cases"]))
    parts += _host_table(report["cases"])
    parts += [
        f"{name} could not take part in “{case['case']}”: {why}"
        for case in report["cases"]
        for name, why in case["absent"].items()
    ]
    return "\n\n".join(parts)


def _goals(report: dict[str, Any]) -> bool:
    return any(case["goals"] for case in report["cases"])


def _goals_table(summaries: Sequence[Summary], quality: Sequence[Summary]) -> str:
    lines = [
        "| work | measure | ours | theirs | ratio (lowest to highest) | goal | met |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {case['case']} | {goal['measure']} | {_figure(case, goal, 'ours')} "
        f"| {_figure(case, goal, 'theirs')} | {_ratio(goal['ratio'])} | {goal['wanted']} "
        f"| {_verdict(goal['met'])} |"
        for case in summaries
        for goal in case["goals"]
    ]
    lines += [
        f"| {row['data']}, {row['documents']} documents | ROUGE-L, int8 beside PyTorch fp32 "
        f"| {row['bundle']} | {row['fp32']} | {row['difference']:+.2f} "
        f"| within {row['wanted']} | {_verdict(row['met'])} |"
        for row in quality
    ]
    return "\n".join(lines)


def _speed_table(summaries: Sequence[Summary]) -> str:
    lines = [
        "| work | contender | seconds (lowest to highest) | tokens/s | documents/s | peak MB "
        "| of the floor | summaries equal |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in summaries:
        lines += _speed_lines(case)
    return "\n".join(lines)


def _speed_lines(case: Summary) -> Iterator[str]:
    for name, figures in case["contenders"].items():
        seconds = figures["seconds"]
        equal = case["equal"].get(name)
        same = f"{equal['equal']} of {equal['of']} with {equal['beside']}" if equal else ""
        floor = figures.get("floor_s")
        share = f"{floor / seconds['median']:.0%}" if floor else ""
        yield (
            f"| {case['case']} | {name} | {seconds['median']:.2f} "
            f"({seconds['lowest']:.2f} to {seconds['highest']:.2f}) "
            f"| {figures['tokens_per_s']:.0f} | {figures['documents_per_s']:.2f} "
            f"| {figures['peak_mb']:.0f} | {share} | {same} |"
        )


def _host_table(summaries: Sequence[Summary]) -> list[str]:
    """Where a step's time goes at batch 1: the graph, and what is around it."""
    told = [
        (case, name, figures["details"])
        for case in summaries
        for name, figures in case["contenders"].items()
        if case["batch"] == 1 and "host_share" in figures["details"]
    ]
    if not told:
        return []
    lines = [
        "| work | contender | ms of a step | of it outside the graph | tokens a step "
        "| drafted, accepted |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {case['case']} | {name} | {details['mean_step_ms']:.2f} | {details['host_share']:.1%} "
        f"| {details['tokens_per_step']:.2f} "
        f"| {details['drafted_tokens']}, {details['accepted_tokens']} |"
        for case, name, details in told
    ]
    return ["\n".join(lines)]


def _figure(case: Summary, goal: Summary, side: str) -> str:
    name = goal[side]
    figures = case["contenders"].get(name)
    if figures is None:
        return f"{name}: absent"
    key, form = {
        "tokens/s": ("tokens_per_s", ".0f"),
        "documents/s": ("documents_per_s", ".2f"),
        "peak memory": ("peak_mb", ".0f"),
    }[goal["measure"]]
    unit = " MB" if key == "peak_mb" else ""
    return f"{name}: {figures[key]:{form}}{unit}"


def _ratio(ratio: dict[str, float] | None) -> str:
    if ratio is None:
        return "none"
    return f"**{ratio['median']:.2f}** ({ratio['lowest']:.2f} to {ratio['highest']:.2f})"


def _verdict(met: bool | None) -> str:
    return {None: "not measured", True: "yes", False: "**no**"}[met]
