"""Marian: the translation models of OPUS-MT, which are "Attention Is All You Need" unchanged.

"Marian: Fast Neural Machine Translation in C++", Junczys-Dowmunt et al. 2018.
"""

from model.checkpoints.families.bart_layout import BartLayout

MARIAN = BartLayout(
    architecture="MarianMTModel",
    model_type="marian",
    parts={
        "positions": "sinusoidal",
        "norm_first": False,
        "embedding_norm": False,
        "final_norm": False,
    },
    fixed={
        "normalize_before": False,
        "normalize_embedding": False,
        "add_final_layer_norm": False,
        "static_position_embeddings": True,
        # Some pairs of languages have a token matrix a side; we have one for both.
        "share_encoder_decoder_embeddings": True,
    },
    same_as_vocabulary=("decoder_vocab_size",),
).family("Marian", base_architecture="MarianModel")
