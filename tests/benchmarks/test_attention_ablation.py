"""The ablation compares what it says, on networks that learn."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import attention_ablation
from benchmarks.attention_ablation import SMALL, Variant, ablate, ablation_table, variants
from benchmarks.small_training import (
    END,
    STYLE,
    Budget,
    mean_loss,
    new_network,
    tokenise,
    train,
    train_tokenizer,
)
from model.data.records import read_records
from model.network.zoo import ZOO

DATA = Path("configs/data/arxiv_title")
TINY = replace(
    SMALL,
    vocabulary_size=300,
    width=16,
    heads=2,
    encoder_layers=1,
    decoder_layers=1,
    encoder_feed_forward_width=16,
    decoder_feed_forward_width=16,
    max_positions=32,
)


def test_every_attention_takes_both_places_once_and_one_network_has_no_copy_head() -> None:
    trained = variants(seeds=3)
    assert trained[:3] == [Variant("general", "multi_head", seed) for seed in range(3)]
    assert len(trained) == len(set(trained))
    first = [variant for variant in trained if variant.seed == 0]
    copies = [v.copy_attention for v in first if v.cross_attention == "multi_head"]
    crosses = [v.cross_attention for v in first if v.copy_attention == "general"]
    assert sorted(copies, key=str) == sorted([None, *ZOO], key=str)
    assert sorted(crosses) == sorted(ZOO)
    assert Variant(None, "multi_head").config == replace(SMALL, copy_head=False)


def test_a_network_learns_the_same_every_time() -> None:
    records = read_records(DATA / "train.jsonl.xz", limit=8)
    tokenizer = train_tokenizer(records, TINY.vocabulary_size)
    pairs = tokenise(records, tokenizer, TINY.max_positions)
    assert all(len(pair.source) == TINY.max_positions for pair in pairs)
    assert (pairs[0].source[0], pairs[0].source[-1], pairs[0].target[-1]) == (STYLE, END, END)
    losses = []
    for _ in range(2):
        model = new_network(TINY, seed=1)
        before = mean_loss(model, pairs, 4)
        train(model, pairs, Budget(steps=30, batch_size=4, warm_up=5), 1, "tiny")
        losses.append((before, mean_loss(model, pairs, 8)))
    assert losses[0] == losses[1]
    assert losses[0][1] < losses[0][0] - 0.5


def test_the_table_compares_every_network_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_ablation, "SMALL", TINY)
    chosen = [Variant("general", "multi_head"), Variant(None, "multi_head")]
    monkeypatch.setattr(attention_ablation, "variants", lambda seeds: chosen)
    threads = torch.get_num_threads()
    report = ablate(DATA, Budget(steps=2, batch_size=2), seeds=1, limit=4, threads=threads)
    assert report["recipe"]["pairs"] == [4, 4, 4]
    assert [row["copy_attention"] for row in report["rows"]] == ["general", None]
    assert all(len(row["each_rouge_l"]) == 4 for row in report["rows"])
    rows = ablation_table(report).splitlines()[2:]
    assert rows[0].startswith("| general | multi_head | 0 |")
    assert rows[1].startswith("| no copy head | multi_head | 0 |")
    assert rows[0].split("|")[6].strip() == ""
    assert " to " in rows[1].split("|")[6]
