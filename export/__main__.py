"""The command line of the exporter."""

import argparse
import sys
from pathlib import Path

_DEFAULT = Path("models/default")


def main() -> int:
    """Makes a bundle from a checkpoint."""
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Turns a PyTorch checkpoint into a bundle for the server, and verifies it.",
        epilog="""examples:
  python -m export                                   rebuild the embedded default bundle
  python -m export --precision fp32 --output /tmp/b  the same model without quantisation
""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=_DEFAULT / "checkpoint",
        help="directory with config.json, model.safetensors, tokenizer.json (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--recipe", type=Path, default=_DEFAULT / "bundle.toml",
        help="how the model is presented: styles, limits, licence (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--precision", choices=("int8", "fp32"), default="int8",
        help="number format of the weights (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path,
        help="bundle directory (default: models/default/bundle-cpu-PRECISION)",
    )  # fmt: skip
    parser.add_argument(
        "--documents", type=Path, default=Path("examples"),
        help="directory of .txt files that the verification summarises (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace an existing bundle")
    parsed = parser.parse_args()

    # torch takes seconds to import: --help and usage errors need not wait for it.
    from export.pipeline import ExportConfig, ExportError, export_bundle
    from export.recipe import RecipeError
    from model.checkpoint import CheckpointError
    from model.config import ConfigError

    output = parsed.output or _DEFAULT / f"bundle-cpu-{parsed.precision}"
    config = ExportConfig(
        checkpoint=parsed.checkpoint,
        recipe=parsed.recipe,
        output=output,
        documents=parsed.documents,
        precision=parsed.precision,
        force=parsed.force,
    )
    try:
        report = export_bundle(config)
    except (ExportError, RecipeError, CheckpointError, ConfigError, OSError) as error:
        sys.stderr.write(f"export: {error}\n")
        return 1
    sys.stdout.write(
        f"{output}: verified on {report.documents} summaries, {report.agreement:.1%} of "
        f"{report.tokens} tokens and {report.equal_documents:.0%} of summaries equal to PyTorch's\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
