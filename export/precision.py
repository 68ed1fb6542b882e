"""The number formats of bundles, and what each asks of the network."""

from collections.abc import Mapping

import torch

from model.network.transformer import Summarizer

HALF: Mapping[str, torch.dtype] = {"fp16": torch.float16, "bf16": torch.bfloat16}


class PrecisionError(ValueError):
    """A network does not fit into a number format; says which part of it."""


def is_for_device(precision: str) -> bool:
    """Whether a bundle can be served on a device: the operators of int8 have no kernels there."""
    return precision != "int8"


def round_weights(summarizer: Summarizer, precision: str) -> None:
    """Turns the network into half precision where the format asks for it.

    Raises `PrecisionError` where numbers would be lost. T5 and its kin are refused in fp16 as a
    whole: trained in bfloat16, they reach sums that float16 has no room for, in the feed-forward
    and in what the layers add up. What other networks reach shows when the bundle is verified.
    """
    dtype = HALF.get(precision)
    if dtype is None:
        return
    if precision == "fp16" and summarizer.config.norm == "rms":
        raise PrecisionError(
            "fp16 has no room for what networks such as T5 add up; --precision bf16 has float32's "
            "range"
        )
    limit = torch.finfo(dtype).max
    for name, weight in summarizer.state_dict().items():
        if weight.is_floating_point() and (largest := weight.abs().max().item()) > limit:
            raise PrecisionError(
                f"weight {name!r} holds {largest:.6g}, at most {limit:.6g} fits into {precision}"
            )
    summarizer.to(dtype)
