"""Shows for people where the sentences of a summary come from."""

from collections.abc import Iterator

from precis_client.types import Attribution, AttributionKind, SourceSpan, Summary, TextSpan

_MOST_CHARACTERS = 60


def as_text(summary: Summary, document: str) -> str:
    """Lists the sentences of a summary, each with its places in the document below it."""
    lines: list[str] = []
    for number, each in enumerate(summary.attributions, start=1):
        lines.append(f"{number}. {_quoted(summary.summary, each.summary_span)}")
        lines += [f"   {place}" for place in _places(each, document)]
    return "\n".join(lines)


def _places(attribution: Attribution, document: str) -> Iterator[str]:
    if attribution.kind is AttributionKind.GIVEN:
        yield "given by --prefix"
        return
    is_copied = attribution.kind is AttributionKind.COPIED
    num_shown = 0
    for rank, each in enumerate(attribution.source_spans):
        share = "copied" if is_copied and rank == 0 else f"{each.weight:.0%}"
        if share != "0%":
            num_shown += 1
            yield f"{share:>6}  {_place(each, document)}"
    if not num_shown:
        yield "from no particular place"


def _place(source: SourceSpan, document: str) -> str:
    start, end = source.span.start, source.span.end
    line = document.count("\n", 0, start) + 1
    return f"line {line}, characters {start} to {end}: {_quoted(document, source.span)}"


def _quoted(text: str, span: TextSpan) -> str:
    """What stands there, on one line, or how it begins."""
    found = " ".join(text[span.start : span.end].split())
    if len(found) > _MOST_CHARACTERS:
        found = f"{found[:_MOST_CHARACTERS].rstrip()} …"
    return f'"{found}"'
