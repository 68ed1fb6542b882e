"""The command line of the measurements."""

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.cpu.commands import CPU_COMMANDS, add_cpu_commands
from benchmarks.gpu.commands import add_gpu_command, run_gpu
from benchmarks.long.commands import LONG_COMMANDS, add_long_commands
from benchmarks.serving.commands import (
    add_overload_command,
    add_serving_command,
    run_overload_command,
    run_serving_command,
)
from model.missing import report_missing

_DEFAULT = Path("models/default")
_BUNDLE = _DEFAULT / "bundle-cpu-int8"
_TEST_DATA = [Path("tests/data/arxiv_tldr_en.jsonl"), Path("tests/data/arxiv_tldr_zh.jsonl")]


def main() -> int:
    """Runs one measurement, prints its table and writes its report."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures, prints a Markdown table with its recipe, and writes JSON if asked.",
        epilog="""examples:
  python -m benchmarks quality            ROUGE of the default bundle beside PyTorch fp32, 160 a set
  python -m benchmarks startup --runs 5   time to ready, memory and size of the server
  python -m benchmarks ablation           what each attention is worth, by training small networks
  python -m benchmarks families           every family beside transformers, exported and served
  python -m benchmarks attribution        words that summaries copy, and what tracing them costs
  python -m benchmarks cpu                this engine beside others on a CPU: the goals, minutes
  python -m benchmarks gpu                this engine beside others on a GPU, within 8 minutes
  python -m benchmarks steps              what a decoder step costs by rows and tokens a row
  python -m benchmarks ceiling            what the engine's own Python allows, without a model
  python -m benchmarks stall              what arriving documents do to those being written
  python -m benchmarks joining            latency by when newcomers join those being written
  python -m benchmarks exact              what exact products cost on a CPU without VNNI
  python -m benchmarks serving --quick    servers under load, ours beside a peer; the load generator
  python -m benchmarks long               long documents: every way beside lead and TextRank
  python -m benchmarks lengths            what a long document costs, by its length
  python -m benchmarks beside             short requests beside a long document
  python -m benchmarks gallery            write docs/gallery.md, documents with their summaries
  python -m benchmarks overload           2 and 4 times what the server can do, 17 minutes
""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    quality = commands.add_parser("quality", help="ROUGE of a bundle beside the PyTorch model")
    quality.add_argument("--checkpoint", type=Path, default=_DEFAULT / "checkpoint")
    quality.add_argument(
        "--data", type=Path, nargs="+", default=_TEST_DATA,
        help="JSONL files of document, summary, style, lang (default: the two in tests/data)",
    )  # fmt: skip
    quality.add_argument("--limit", type=int, default=160, help="documents a file (default: 160)")
    quality.add_argument("--threads", type=int, default=0, help="0 takes all cores (default: 0)")
    startup = commands.add_parser("startup", help="time to ready, memory and size of the server")
    startup.add_argument("--runs", type=int, default=5, help="times to start it (default: 5)")
    startup.add_argument("--port", type=int, default=50961, help="a free port (default: 50961)")
    ablation = commands.add_parser("ablation", help="train small networks, one for each attention")
    ablation.add_argument(
        "--data", type=Path, default=Path("configs/data/arxiv_title"), metavar="DIR",
        help="a folder of {train,validation,test}.jsonl.xz (default: %(default)s)",
    )  # fmt: skip
    ablation.add_argument("--steps", type=int, default=800, help="per network (default: 800)")
    ablation.add_argument(
        "--seeds", type=int, default=3, help="of the default network, to show luck (default: 3)"
    )
    ablation.add_argument("--limit", type=int, help="use so many pairs of each file (default: all)")
    ablation.add_argument("--threads", type=int, default=1, help="that compute (default: 1)")
    families = commands.add_parser("families", help="random checkpoints of every family, compared")
    families.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="these checkpoints (default: all)"
    )
    families.add_argument("--threads", type=int, default=0, help="0 takes all cores (default: 0)")
    traced = commands.add_parser("attribution", help="words copied, their places, and the cost")
    traced.add_argument(
        "--data", type=Path, nargs="+", default=_TEST_DATA,
        help="JSONL files of document, summary, style, lang (default: the two in tests/data)",
    )  # fmt: skip
    traced.add_argument("--limit", type=int, default=40, help="documents a file (default: 40)")
    traced.add_argument("--rounds", type=int, default=5, help="of each way, in turns (default: 5)")
    traced.add_argument("--threads", type=int, default=1, help="that compute (default: 1)")
    ceiling = commands.add_parser("ceiling", help="documents a second without the model's time")
    ceiling.add_argument("--rows", type=int, nargs="+", default=(64, 128), help="default: 64 128")
    ceiling.add_argument("--steps-ahead", type=int, default=8, help="most at a look (default: 8)")
    ceiling.add_argument("--documents", type=int, default=1000, help="a round (default: 1000)")
    ceiling.add_argument("--rounds", type=int, default=5, help="of each way (default: 5)")
    of_cpu = add_cpu_commands(commands)
    add_gpu_command(commands)
    of_long = add_long_commands(commands)
    serving = add_serving_command(commands)
    overload = add_overload_command(commands)
    for command in (quality, startup, traced, overload):
        command.add_argument("--bundle", type=Path, default=_BUNDLE, help="default: %(default)s")
    ours = (quality, startup, ablation, families, traced, ceiling, serving, overload)
    for command in (*ours, *of_cpu, *of_long):
        command.add_argument("--json", type=Path, help="where to write the whole report")
    parsed = parser.parse_args()
    try:
        _check_packages(parsed.command)
        if parsed.command == "gpu":
            return run_gpu(parsed)
        report, table = _run(parsed)
    except ModuleNotFoundError as error:
        return report_missing(error, "python -m benchmarks", "server,export,train,loadtest,dev")
    if parsed.json:
        parsed.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    settings = ", ".join(f"{name} {value}" for name, value in report["recipe"].items())
    sys.stdout.write(f"{table}\n\nRecipe: {settings}.\n")
    return 0


def _check_packages(command: str) -> None:
    """Names what is missing before a process that needs it is started, which would say less."""
    loads = command in ("serving", "overload")
    needed = "locust" if loads else "onnx" if command in CPU_COMMANDS else None
    if needed and find_spec(needed) is None:
        raise ModuleNotFoundError(name=needed)


def _run(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Imports only what the measurement needs: torch for one, a running server for the other."""
    if parsed.command == "quality":
        from benchmarks.quality import compare_quality, quality_table

        report = compare_quality(
            parsed.checkpoint,
            parsed.bundle,
            parsed.data,
            limit=parsed.limit,
            threads=parsed.threads,
        )
        return report, quality_table(report)
    if parsed.command == "ablation":
        from benchmarks.attention_ablation import ablate, ablation_table
        from benchmarks.small_training import Budget

        report = ablate(
            parsed.data,
            Budget(parsed.steps),
            seeds=parsed.seeds,
            limit=parsed.limit,
            threads=parsed.threads,
        )
        return report, ablation_table(report)
    if parsed.command in CPU_COMMANDS:
        return CPU_COMMANDS[parsed.command](parsed)
    if parsed.command in LONG_COMMANDS:
        return LONG_COMMANDS[parsed.command](parsed)
    if parsed.command == "serving":
        return run_serving_command(parsed)
    if parsed.command == "overload":
        return run_overload_command(parsed)
    if parsed.command == "families":
        from benchmarks.families import compare_families, families_table

        report = compare_families(parsed.only, threads=parsed.threads)
        return report, families_table(report)
    if parsed.command == "attribution":
        from benchmarks.attribution import attribution_table, measure_attribution

        report = measure_attribution(
            parsed.bundle,
            parsed.data,
            limit=parsed.limit,
            rounds=parsed.rounds,
            threads=parsed.threads,
        )
        return report, attribution_table(report)
    if parsed.command == "ceiling":
        from benchmarks.engine_ceiling import ceiling_table, measure_ceiling

        report = measure_ceiling(
            rows=parsed.rows,
            steps_ahead=parsed.steps_ahead,
            documents=parsed.documents,
            rounds=parsed.rounds,
        )
        return report, ceiling_table(report)
    from benchmarks.startup import measure_startup, startup_table

    document = Path("examples/arxiv_en.txt")
    report = measure_startup(parsed.bundle, document, runs=parsed.runs, port=parsed.port)
    return report, startup_table(report)


if __name__ == "__main__":
    sys.exit(main())
