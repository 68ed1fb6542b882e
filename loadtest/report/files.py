"""Writes reports and plots into a folder."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from loadtest.report import svg
from loadtest.report.run_page import run_markdown, run_page
from loadtest.results import Run, write_run


def write_reports(run: Run, directory: Path) -> list[Path]:
    """Writes report.html, report.md and result.json, and names them in this order."""
    directory.mkdir(parents=True, exist_ok=True)
    page, words, data = (directory / name for name in ("report.html", "report.md", "result.json"))
    page.write_text(run_page(run), "utf-8")
    words.write_text(run_markdown(run), "utf-8")
    write_run(run, data)
    return [page, words, data]


def write_plots(plots: Sequence[tuple[str, Element | None]], directory: Path) -> list[Path]:
    """Writes each plot that there is as NAME.svg."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, plot in plots:
        if plot is not None:
            path = directory / f"{name}.svg"
            path.write_text(svg.standalone(plot), "utf-8")
            written.append(path)
    return written
