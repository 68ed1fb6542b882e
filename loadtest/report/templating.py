"""Fills in the templates, which lie beside this file."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from loadtest.report import svg
from loadtest.report.rows import Table

_TEMPLATES = Path(__file__).with_name("templates")
_SPECIAL = re.compile(r"([\\`*|\[\]<>]|(?<!\w)_|_(?!\w))")
"""An underscore between letters, as in RESOURCE_EXHAUSTED, is nothing special."""


def fill(template: str, **values: object) -> str:
    """Fills in a template of a page or of Markdown; a value that it lacks is an error."""
    # What is no page is escaped by the filters.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = markdown_cell
    environment.filters["table"] = markdown_table
    return environment.get_template(template).render(values).lstrip()


def style() -> Markup:
    """Gives the looks of a page and its plots."""
    page = (_TEMPLATES / "page.css").read_text("utf-8")
    return Markup(page + svg.STYLE)  # noqa: S704  # ours, from beside this file


def drawing(plot: Element | None) -> Markup | None:
    """Puts a plot, which escapes its own words, into a page."""
    return None if plot is None else Markup(svg.inline(plot))  # noqa: S704


def markdown_cell(words: str) -> str:
    """Writes words so that Markdown shows them as they are, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(words.split()))


def markdown_table(table: Table) -> str:
    """Writes a table, figures to the right."""
    head, *body = [tuple(map(markdown_cell, row)) for row in (table.head, *table.rows)]
    rule = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *body))
