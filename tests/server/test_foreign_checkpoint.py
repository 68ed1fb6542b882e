"""A checkpoint that is not ours, from its files to a reply over gRPC."""

import json
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from model.decoding.generate import greedy
from model.text_summarizer import TextSummarizer
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.text import first_document
from tests.export.family_bundles import make_bundle, make_checkpoint
from tests.server.test_main import served

DOCUMENT = "The cat sat on the mat, and </s> is text."
START, PAD, END = 0, 1, 2
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
        model = await server.stub.GetModel(pb.GetModelRequest())
        traced = pb.SummarizeRequest(document=DOCUMENT, attribution=pb.ATTRIBUTION_LEVEL_WORD)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await server.stub.Summarize(traced)

    assert reply.summary == oracle.text(expected)
    assert reply.finish_reason == pb.FINISH_REASON_LENGTH
    assert "attribution" not in model.capabilities
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "has no copy head, which alone tells where words come from" in refused.value.details()


async def test_bart_is_served_with_its_own_beams_as_transformers_generates(tmp_path: Path) -> None:
    checkpoint = make_checkpoint("bart", tmp_path, max_position_embeddings=POSITIONS)
    rules = {
        "num_beams": 3,
        "length_penalty": 2.0,
        "early_stopping": True,
        "no_repeat_ngram_size": 2,
        "repetition_penalty": 1.3,
        "min_length": 5,
        "max_length": 14,
        "forced_eos_token_id": END,
        "decoder_start_token_id": END,
        "eos_token_id": END,
        "pad_token_id": PAD,
    }
    (checkpoint / "generation_config.json").write_text(json.dumps(rules), "utf-8")
    made = make_bundle(checkpoint)
    oracle = TextSummarizer(checkpoint)
    model = AutoModelForSeq2SeqLM.from_pretrained(checkpoint)
    never = made.bundle.manifest.special_tokens.never_emitted_ids
    source_ids = oracle.source_ids(DOCUMENT, None)
    tokens = model.generate(torch.tensor([source_ids]), suppress_tokens=list(never))[0, 1:]
    expected = made.bundle.tokenizer.decode([t for t in tokens.tolist() if t != END])

    async with served("--bundle", str(made.bundle.directory)) as server:
        described = await server.stub.GetModel(pb.GetModelRequest())
        by_default = await server.stub.Summarize(pb.SummarizeRequest(document=DOCUMENT))
        greedy_options = pb.DecodingOptions(num_beams=1)
        one_beam = await server.stub.Summarize(
            pb.SummarizeRequest(document=DOCUMENT, options=greedy_options)
        )

    assert described.styles[0].default_options.num_beams == 3
    assert by_default.decoding.method == pb.DECODING_METHOD_BEAM_SEARCH
    assert by_default.summary == expected.strip()
    assert one_beam.decoding.method == pb.DECODING_METHOD_GREEDY
