"""What NVIDIA's own tool says of the GPU, where it is installed."""

import subprocess

_QUERY = {
    "name": "GPU",
    "driver_version": "driver",
    "memory.total": "GPU memory",
    "clocks.max.sm": "highest clock",
    "clocks.sm": "clock before",
    "power.limit": "power limit",
    "temperature.gpu": "temperature before",
}


def describe_card() -> dict[str, str]:
    """Name, driver, clocks and the like of the first GPU; empty where they cannot be read."""
    command = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader"]
    try:
        outcome = subprocess.run(  # noqa: S603 - fixed words
            command, capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    values = outcome.stdout.splitlines()[0].split(", ") if outcome.stdout.strip() else []
    return dict(zip(_QUERY.values(), values, strict=False)) if not outcome.returncode else {}
