"""The default model on a device against PyTorch, token for token."""

from pathlib import Path

from bundle.load import load_bundle
from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.runner import DeviceRunner
from server.runtime.options import RunnerOptions
from tests.server.runtime.documents import (
    decoding,
    documents,
    oracle_tokens,
    run,
    source_ids,
    strategy,
    tokens,
)


def test_steps_ahead_with_drafts_write_the_oracles_tokens(fp32_bundle: Path) -> None:
    bundle = load_bundle(fp32_bundle)
    runner = DeviceRunner(bundle, HostDevice(8 << 30), RunnerOptions(threads=1, max_rows=4))
    sources = [source_ids(bundle, document, "headline") for document in documents(4)]
    options = decoding(speculation=True)
    strategies = [strategy(bundle, source, options) for source in sources]
    found = run(runner, sources, strategies)

    assert tokens(found) == oracle_tokens(bundle, sources)
    # The device went ahead for every row, and some of the drafts were right.
    assert all(each.drafting.steps_followed > 0 for each in strategies)
    assert sum(each.drafting.accepted for each in strategies) > 0
