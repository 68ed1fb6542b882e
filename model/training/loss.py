"""What training minimises: -log p of each token that the summary should have.

    B batch    S source    T target    N targets without padding    d width    V vocabulary

With a copy head p is its mixture, but only at the N tokens that should come: the whole [B,T,V] of
the mixture, which decoding needs, is never built.

    log p(y) = log((1 - g) p_vocab(y) + g * sum of a_i over source_i = y)
             = logaddexp(log(1 - g) + log p_vocab(y), log g + log(sum of those a_i))

in float32, whatever the network computed in.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.network.copy_head import source_bias
from model.network.transformer import Summarizer
from model.training.batches import IGNORED, Batch

_SMALLEST = torch.finfo(torch.float32).tiny


class TeacherForcing(nn.Module):
    """The summed loss of a batch: a module of its own, so that DDP can wrap it.

    What is minimised is the negative log-likelihood plus `label_smoothing` times the mean over the
    vocabulary of -log p_vocab, which keeps the network from being certain of anything ("Rethinking
    the Inception Architecture", Szegedy et al. 2016, section 7, as a sum rather than a mean).
    """

    def __init__(
        self, model: Summarizer, label_smoothing: float = 0.0, adapters: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.model = model
        self.label_smoothing = label_smoothing
        self.adapters = adapters  # what the model's layers call: here to be trained and saved

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The sums over the batch of what is minimised and of the negative log-likelihood."""
        model = self.model
        states = model.encode(batch.source, batch.source_lengths, batch.start)  # [B,S,d]
        start = torch.zeros_like(batch.source_lengths)
        cross = model.cross_cache(states)
        hidden, _ = model.decode(batch.target_in, start, batch.source_lengths, cross, None)

        real = batch.target_out != IGNORED  # [B,T]
        targets = batch.target_out[real]  # [N]
        logits = model.logits(hidden[real]).float()  # [N,V]
        normaliser = logits.logsumexp(-1)  # [N]
        log_p = logits.gather(-1, targets[:, None])[:, 0] - normaliser  # [N]
        if model.copy_head is not None:
            log_p = self._with_copying(log_p, hidden, states, batch, real)
        likelihood = -log_p.sum()
        if not self.label_smoothing:
            return likelihood, likelihood
        uniform = (normaliser - logits.mean(-1)).sum()
        return likelihood + self.label_smoothing * uniform, likelihood

    def _with_copying(
        self, log_p_vocab: Tensor, hidden: Tensor, states: Tensor, batch: Batch, real: Tensor
    ) -> Tensor:
        bias = source_bias(batch.source_lengths, batch.source.shape[1], states.dtype)
        attention, gate = self.model.copy_head.look(hidden, states, bias)  # [B,T,S], [B,T,1]
        matches = batch.source[:, None, :] == batch.target_out[:, :, None]  # [B,T,S]
        copied = torch.where(matches, attention.float(), 0.0).sum(-1)[real]  # [N]
        gate = gate[..., 0][real].float()  # [N]
        # Clamped, not -inf, where the source lacks the token: -inf would have a gradient of NaN.
        log_copied = copied.clamp_min(_SMALLEST).log()
        return torch.logaddexp(F.logsigmoid(-gate) + log_p_vocab, F.logsigmoid(gate) + log_copied)
