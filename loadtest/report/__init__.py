"""Shows what a run found: a page, Markdown, plots, and several runs side by side."""

from loadtest.report.files import write_reports

__all__ = ["write_reports"]
