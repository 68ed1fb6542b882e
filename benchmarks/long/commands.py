"""The command lines of the measurements on long documents."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_BUNDLE = Path("models/default/bundle-cpu-int8")
_GALLERY = Path("examples/gallery")


def add_long_commands(commands: Any) -> Sequence[argparse.ArgumentParser]:
    """Describes them to argparse."""
    quality = commands.add_parser("long", help="ways to summarise long documents, compared")
    quality.add_argument(
        "--data", type=Path, nargs="*", metavar="FILE",
        help="JSONL files of document, summary, lang, set (default: the textbook sections in "
        "tests/data)",
    )  # fmt: skip
    quality.add_argument(
        "--join", type=Path, nargs="*", metavar="FILE",
        help="the same with short documents, which are joined (default: the abstracts in "
        "tests/data)",
    )  # fmt: skip
    quality.add_argument(
        "--sets", nargs="+", default=[], metavar="NAME", help="these sets alone (default: all)"
    )
    quality.add_argument(
        "--ways", nargs="+", default=[], metavar="NAME", help="such as lead auto (default: all)"
    )
    quality.add_argument("--limit", type=int, default=24, help="documents a set (default: 24)")
    quality.add_argument("--threads", type=int, default=1, help="that compute (default: 1)")
    lengths = commands.add_parser("lengths", help="time and memory of long documents by length")
    lengths.add_argument(
        "--characters", type=int, nargs="+", metavar="COUNT",
        default=(2_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
        help="default: 2000 to a million",
    )  # fmt: skip
    lengths.add_argument("--plot", type=Path, help="where to draw it, as .svg or .png")
    beside = commands.add_parser("beside", help="short requests beside a long document, 3 minutes")
    beside.add_argument(
        "--characters", type=int, default=300_000, help="of the long one (default: 300000)"
    )
    beside.add_argument("--seconds", type=float, default=40.0, help="of each load (default: 40)")
    beside.add_argument(
        "--share", type=float, default=0.5, help="of the highest rate (default: 0.5)"
    )
    beside.add_argument("--only", nargs="+", default=[], metavar="NAME", help="such as cover")
    gallery = commands.add_parser("gallery", help="write docs/gallery.md from examples/gallery")
    gallery.add_argument("--documents", type=Path, default=_GALLERY, help="default: %(default)s")
    gallery.add_argument("--output", type=Path, default=Path("docs/gallery.md"))
    made = (quality, lengths, beside, gallery)
    for command in made:
        command.add_argument("--bundle", type=Path, default=_BUNDLE, help="default: %(default)s")
    return made


def _run_long(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.long.documents import SECTIONS, SHORT, joined_records, long_records
    from benchmarks.long.quality import measure_quality, quality_table

    data = [SECTIONS] if parsed.data is None else parsed.data
    join = SHORT if parsed.join is None else parsed.join
    records = [each for path in data for each in long_records(path, parsed.limit)]
    records += [each for path in join for each in joined_records(path, parsed.limit)]
    if parsed.sets:
        records = [each for each in records if each.set in parsed.sets]
    records.sort(key=lambda each: each.set)
    report = measure_quality(parsed.bundle, records, threads=parsed.threads, only=parsed.ways)
    return report, quality_table(report)


def _run_lengths(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.long.lengths import lengths_table, measure_lengths

    report = measure_lengths(parsed.bundle, parsed.characters)
    if parsed.plot:
        from benchmarks.long.plot import plot_lengths

        plot_lengths(report, parsed.plot)
    return report, lengths_table(report)


def _run_beside(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.long.beside import beside_table, measure_beside

    report = measure_beside(
        parsed.bundle,
        characters=parsed.characters,
        seconds=parsed.seconds,
        share=parsed.share,
        only=parsed.only,
    )
    return report, beside_table(report)


def _run_gallery(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.long.gallery import write_gallery

    return write_gallery(parsed.bundle, parsed.documents, parsed.output)


LONG_COMMANDS: dict[str, Callable[[argparse.Namespace], tuple[dict[str, Any], str]]] = {
    "long": _run_long,
    "lengths": _run_lengths,
    "beside": _run_beside,
    "gallery": _run_gallery,
}
