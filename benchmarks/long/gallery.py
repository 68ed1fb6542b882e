"""A page of documents with their summaries, as they come: nothing is chosen or mended."""

import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.recipe import recipe
from model.evaluation.facts import compare_facts
from server.offline import OfflineEngine, OfflineSummary
from server.types import Length, ReadingWay

_KINDS = {
    "news": "News",
    "readme": "README",
    "licence": "Licence",
    "mail": "Mail",
    "meeting": "Meeting",
    "changelog": "Changelog",
    "paper": "Paper",
    "page": "Web page",
    "newszh": "Chinese news",
    "poem": "Poem",
}
_WAYS = {
    ReadingWay.WHOLE: "read whole",
    ReadingWay.TRUNCATED: "its beginning read",
    ReadingWay.SELECTED: "its key sentences read",
    ReadingWay.COVERED: "read in {} windows",
    ReadingWay.EXTRACTED: "its key sentences quoted",
}
_HEAD = """# Gallery

Twenty documents of ten kinds with the summaries that the embedded model gives of them, good ones
and bad ones, as they come. `python -m benchmarks gallery` writes this page; the documents and their
licences are in [examples/gallery/](../examples/gallery/README.md).

"brief" is what `precis summarize FILE` prints, "extract" is `--style extract --sentences 3`. "Not
in the document" lists names and numbers that `model/evaluation/facts.py` does not find there.
Remarks are by people who read the document.
"""


def write_gallery(bundle: Path, documents: Path, output: Path) -> tuple[dict[str, Any], str]:
    """Summarises the documents, writes the page and returns what was measured."""
    remarks = tomllib.loads((documents / "remarks.toml").read_text("utf-8"))
    files = [path for path in documents.iterdir() if _kind(path) in _KINDS]
    files.sort(key=lambda path: (list(_KINDS).index(_kind(path)), path.name))
    with OfflineEngine(bundle, provider="cpu") as engine:
        sections = [
            (_kind(path), "\n".join(_section(engine, path, remarks.get(path.name, ""))))
            for path in files
        ]
    parts = [_HEAD]
    for kind, members in groupby(sections, lambda section: section[0]):
        parts += [f"## {_KINDS[kind]}\n", *(f"{text}\n" for _, text in members)]
    output.write_text("\n".join(parts), "utf-8")
    return {"recipe": recipe(bundle=bundle.name)}, f"{output}: {len(files)} documents"


def _kind(path: Path) -> str:
    """As the file's name begins."""
    first, *rest = path.stem.split("_")
    return "newszh" if rest[:1] == ["zh"] else first


def _section(engine: OfflineEngine, path: Path, remark: str) -> Iterator[str]:
    document = path.read_text("utf-8")
    brief, headline = (_only(engine.summarise(document, style=s)) for s in ("brief", "headline"))
    extract = _only(engine.summarise(document, style="extract", length=Length(sentences=3)))
    lang = "zh" if _kind(path) == "newszh" else "en"
    way = _WAYS[brief.way].format(brief.usage.chunks)
    yield f"### {path.name}\n"
    yield f"{len(document):,} characters; for the brief, {way}.\n"
    yield f"- **headline:** {_shown(headline.text)}"
    yield f"- **brief:** {_shown(brief.text)}"
    quotes = [extract.text[each.span.start : each.span.end] for each in extract.sentences]
    yield "- **extract:**"
    yield from (f"  - {_shown(quote)}" for quote in quotes)
    for name, summary in (("headline", headline), ("brief", brief)):
        facts = compare_facts(document, summary.text, lang)
        if unknown := [*facts.unsupported_names, *facts.unsupported_numbers]:
            yield f"- Not in the document ({name}): {', '.join(map(_shown, unknown))}"
    if remark:
        yield f"\n*{remark}*"


def _only(summaries: Iterator[OfflineSummary]) -> OfflineSummary:
    (summary,) = summaries
    return summary


def _shown(text: str) -> str:
    """On one line, with nothing that Markdown would take for a mark."""
    for sign in "\\`*_[]<>#|":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
