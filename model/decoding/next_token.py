"""What the network says of the next token, with or without a copy head.

B batch    S source    V vocabulary    d model width
"""

from typing import NamedTuple

import torch
from torch import Tensor

from model.network.transformer import Summarizer

_SMALLEST = torch.finfo(torch.float32).tiny


class NextToken(NamedTuple):
    """Scores to choose by, [B,V], and log-probabilities, [B,V].

    They differ by a constant, which matters to a repetition penalty alone: it multiplies scores.
    With a copy head there are no scores but the log-probabilities.
    """

    scores: Tensor
    log_probabilities: Tensor


def next_token(
    model: Summarizer, hidden: Tensor, states: Tensor, source_bias: Tensor, source_ids: Tensor
) -> NextToken:
    """Of hidden [B,1,d]; the other arguments are those of `Summarizer.distribution`."""
    if model.copy_head is None:
        logits = model.logits(hidden)[:, -1].float()
        return NextToken(logits, torch.log_softmax(logits, dim=-1))
    mixture = model.distribution(hidden, states, source_bias, source_ids).probabilities[:, -1]
    log_probabilities = mixture.float().clamp_min(_SMALLEST).log()  # finite where p underflowed
    return NextToken(log_probabilities, log_probabilities)
