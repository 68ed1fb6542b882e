"""A checkpoint that is not ours, from its files to a reply over gRPC."""

import json
from dataclasses import replace
from pathlib import Path

from model.generate import greedy
from model.text_summarizer import TextSummarizer
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.text import first_document
from tests.export.family_bundles import make_bundle, make_checkpoint
from tests.server.test_main import served

DOCUMENT = "The cat sat on the mat, and </s> is text."
START, END = 0, 2
# Fewer than the first sentence that a server summarises has with this tokenizer.
POSITIONS = 32


async def test_bart_is_served_with_its_own_prefix_and_forced_tokens(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(
        "bart", tmp_path, prefix="in short: ", max_position_embeddings=POSITIONS
    )
    # transformers counts the start token too.
    rules = {"forced_bos_token_id": START, "forced_eos_token_id": END, "max_length": 13}
    (checkpoint / "generation_config.json").write_text(json.dumps(rules), "utf-8")
    made = make_bundle(checkpoint)
    style = made.bundle.manifest.style("summary")
    assert style is not None
    assert style.prefix_text == "in short: "
    assert (style.prefix_ids, style.suffix_ids) == ((START,), (END,))

    oracle = TextSummarizer(checkpoint)
    special = made.bundle.manifest.special_tokens
    options = replace(oracle.defaults.options, banned_ids=special.never_emitted_ids)
    expected = greedy(oracle.model, oracle.source_ids(DOCUMENT, None), options)
    assert len(expected.tokens) == 12
    assert (expected.tokens[0], expected.tokens[-1]) == (START, END)

    longest = made.bundle.manifest.limits.max_source_tokens
    assert len(made.bundle.tokenizer.encode(first_document.SENTENCE)) > longest
    async with served("--bundle", str(made.bundle.directory)) as server:
        reply = await server.stub.Summarize(pb.SummarizeRequest(document=DOCUMENT))

    assert reply.summary == oracle.text(expected)
    assert reply.finish_reason == pb.FINISH_REASON_LENGTH
