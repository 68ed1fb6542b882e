"""Which attentions of the zoo reach ONNX, and how the others are refused."""

import numpy as np
import pytest
import torch

from export.convert import export_decoder_step
from export.graphs import DecoderStepGraph
from export.pipeline import ExportError, refuse_unexportable
from model.config_file import config_from, config_values
from model.copy_head import source_bias
from model.serving_limits import EXPORTABLE_ATTENTION
from model.zoo import ZOO
from tests.model.factories import TINY, make_model, make_source
from tests.onnx_session import open_graph

REFUSED = [
    (key, name) for key, names in EXPORTABLE_ATTENTION.items() for name in ZOO if name not in names
]


def test_what_is_refused_is_what_the_page_on_attention_says() -> None:
    others = [("cross_attention", name) for name in ZOO if name != "multi_head"]
    assert {*REFUSED} == {("copy_attention", "location"), ("copy_attention", "multi_head"), *others}


@pytest.mark.parametrize(("key", "name"), REFUSED)
def test_an_attention_that_onnx_does_not_get_is_refused_with_its_key(key: str, name: str) -> None:
    config = config_from(config_values(TINY) | {key: name})
    with pytest.raises(ExportError, match=f"{key}='{name}' cannot be exported; only "):
        refuse_unexportable(config)


def test_a_copy_attention_that_is_not_there_hinders_no_export() -> None:
    values = config_values(TINY) | {"copy_head": False, "copy_attention": "location"}
    refuse_unexportable(config_from(values))


@pytest.mark.parametrize("name", EXPORTABLE_ATTENTION["copy_attention"])
@torch.inference_mode()
def test_an_exported_copy_attention_computes_what_pytorch_does(name: str) -> None:
    model = make_model(copy_attention=name)
    refuse_unexportable(model.config)
    graph = export_decoder_step(model)
    source_ids, lengths = make_source([9, 4])
    states = model.encode(source_ids, lengths)
    cross = [part for layer in model.cross_cache(states) for part in layer]
    cache = [part for layer in model.empty_self_cache(2, 6) for part in layer]
    copy_source = [source_ids, source_bias(lengths, 9), states]
    first = (torch.tensor([[8], [9]]), torch.tensor([0, 0]), torch.tensor([[[-1]], [[3]]]))
    others = [lengths, *copy_source, *cross, *cache]
    expected = DecoderStepGraph(model)(*first, others)

    session = open_graph(graph)
    names = [item.name for item in session.get_inputs()]
    feeds = {key: value.numpy() for key, value in zip(names, [*first, *others], strict=True)}
    got = session.run(None, feeds)
    for ours, theirs in zip(expected, got, strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-5, rtol=1e-4)
