"""A run as Markdown: the goals, every figure, and what was not reached or could not take part."""

from collections.abc import Iterator, Sequence

from benchmarks.gpu.case import Case, Measure, Stage
from benchmarks.gpu.journal import Record
from benchmarks.gpu.summary import Figures, Summary, Verdict, summarise


def tables(records: Sequence[Record], stages: Sequence[Stage]) -> str:
    """All of them, whether the run went to its end or not."""
    summary = summarise(records, stages)
    known = dict.fromkeys(case for stage in stages for case in stage.cases)
    parts = [_goals(summary.verdicts), _figures(list(known), summary), _starts(records)]
    parts += [_agreements(records), _absences(records), _recipe(records, summary)]
    return "\n\n".join(part for part in parts if part)


def _goals(verdicts: Sequence[Verdict]) -> str:
    return _table(
        "work | goal | got | beside | ratio of got to goal | reached",
        (
            f"{verdict.case.name} | {verdict.goal.contender}: {verdict.goal.text} "
            f"| {_rate(verdict.got, verdict)} | {_rate(verdict.beside, verdict)} "
            f"| {_number(verdict.ratio, '.2f')} | {_reached(verdict.ratio)}"
            for verdict in verdicts
        ),
    )


def _figures(known: Sequence[Case], summary: Summary) -> str:
    return _table(
        "work | contender | seconds (lowest to highest) | first turn | tokens/s | documents/s "
        "| ms per step | of the floor | GPU memory, GB",
        (
            _figure_line(case, name, figures, summary.bytes_per_s)
            for case in known
            for (of, name), figures in summary.figures.items()
            if of == case.name
        ),
    )


def _figure_line(case: Case, name: str, figures: Figures, bytes_per_s: float | None) -> str:
    lowest, highest = figures.spread
    return (
        f"{case.name} | {name} | {figures.seconds:.3f} ({lowest:.3f} to {highest:.3f}) "
        f"| {_number(figures.warm_up_s, '.1f')} | {figures.tokens_per_s:,.0f} "
        f"| {figures.documents_per_s:,.1f} | {_number(figures.step_ms(case), '.3f')} "
        f"| {_number(figures.share_of_floor(case, bytes_per_s), '.0%')} "
        f"| {_number(figures.used_gb or None, '.1f')}"
    )


def _starts(records: Sequence[Record]) -> str:
    return _table(
        "started for | contender | process start to ready, s | of it loading and capturing, s "
        "| nodes elsewhere",
        (
            f"{record['stage']} | {record['contender']} | {record['seconds']:.1f} "
            f"| {record['load_s']:.1f} | {_count(record.get('nodes_elsewhere'))}"
            for record in records
            if record["kind"] == "ready"
        ),
    )


def _agreements(records: Sequence[Record]) -> str:
    return _table(
        "work | contender | beside | summaries equal | tokens before a difference",
        (
            f"{record['case']} | {record['contender']} | {record['beside']} "
            f"| {record['equal']} of {record['of']} "
            f"| {record['tokens_before_difference']} of {record['tokens']}"
            for record in records
            if record["kind"] == "agreement"
        ),
    )


def _absences(records: Sequence[Record]) -> str:
    lines = dict.fromkeys(_absence(record) for record in records if _absence(record))
    return "\n".join(f"- {line}" for line in lines)


def _absence(record: Record) -> str:
    where = record.get("case") or record.get("stage") or "the whole run"
    if record["kind"] == "absent":
        return f"{record['contender']} could not take part in “{where}”: {record['why']}"
    if record["kind"] == "not run":
        return f"Not run: {record['contender']} in “{where}”: {record['what']}"
    return ""


def _recipe(records: Sequence[Record], summary: Summary) -> str:
    facts = {}
    for record in records:
        if record["kind"] == "recipe":
            facts |= {key: value for key, value in record.items() if key != "kind"}
        facts |= record.get("versions", {})
    if summary.bytes_per_s:
        facts["copies within the device"] = f"{summary.bytes_per_s / 1e12:.3f} TB/s"
    listed = ", ".join(f"{key} {value}" for key, value in facts.items())
    return f"Recipe: {listed}." if listed else ""


def _table(header: str, lines: Iterator[str]) -> str:
    rows = [f"| {line} |" for line in lines]
    columns = header.count(" | ") + 1
    return "\n".join([f"| {header} |", f"|{' --- |' * columns}", *rows]) if rows else ""


def _rate(rate: float | None, verdict: Verdict) -> str:
    form = ",.0f" if verdict.goal.measure is Measure.TOKENS else ",.1f"
    return _number(rate, form)


def _reached(ratio: float | None) -> str:
    if ratio is None:
        return "not measured"
    return "yes" if ratio >= 1 else "**no**"


def _count(nodes: Sequence[str] | None) -> str:
    return "" if nodes is None else str(len(nodes))


def _number(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"
