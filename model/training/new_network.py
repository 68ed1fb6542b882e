"""A network before its first step."""

import math
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import nn

from model.network.config import ModelConfig
from model.network.transformer import Summarizer
from model.training.config import NetworkConfig
from model.training.tokenizer import END, PAD

_STANDARD_DEVIATION = 0.02  # of Linear weights, as PEGASUS and BERT begin


def new_network(
    config: NetworkConfig, tokenizer: Tokenizer, styles: Sequence[str], seed: int
) -> Summarizer:
    """A network of random weights, the same for the same seed.

    Embeddings begin with a deviation of 1 / sqrt(width): times the sqrt(width) of the embedding
    layer they are as large as the sinusoids they are added to, and scores of words begin near the
    gain of the decoder's final norm. What a layer adds to the stream begins smaller the deeper the
    stack ("Language Models are Unsupervised Multitask Learners", Radford et al. 2019).
    """
    pad_id, end_id = tokenizer.token_to_id(PAD), tokenizer.token_to_id(END)
    torch.manual_seed(seed)
    model = Summarizer(
        ModelConfig(
            architecture="PegasusForConditionalGeneration",
            vocabulary_size=tokenizer.get_vocab_size(),
            width=config.width,
            heads=config.heads,
            encoder_layers=config.encoder_layers,
            decoder_layers=config.decoder_layers,
            encoder_feed_forward_width=config.feed_forward_width,
            decoder_feed_forward_width=config.feed_forward_width,
            max_positions=config.max_positions,
            pad_id=pad_id,
            end_id=end_id,
            start_id=pad_id,
            dropout=config.dropout,
            copy_head=config.copy_head,
            style_token_ids={style: tokenizer.token_to_id(f"<{style}>") for style in styles},
            copy_attention=config.copy_attention,
            cross_attention=config.cross_attention,
        )
    )
    depth = {"encoder": 2 * config.encoder_layers, "decoder": 3 * config.decoder_layers}
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=1 / math.sqrt(config.width))
        elif isinstance(module, nn.Linear):
            ends_a_part = name.endswith((".out", ".outer"))
            shrink = math.sqrt(depth.get(name.partition(".")[0], 1)) if ends_a_part else 1.0
            nn.init.normal_(module.weight, std=_STANDARD_DEVIATION / shrink)
            nn.init.zeros_(module.bias)
    nn.init.constant_(model.decoder.norm.weight, config.decoder_norm_gain)
    return model
