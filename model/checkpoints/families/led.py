"""LED: BART for long documents, whose encoder looks at windows (model/network/window_attention.py).

"Longformer: The Long-Document Transformer", Beltagy et al. 2020. Places are counted from the first
row of the table, unlike BART's.
"""

from model.checkpoints.families.bart_layout import BartLayout

_WINDOWED = {"query": "query", "key": "key", "value": "value"} | {
    f"global_{name}": f"{name}_global" for name in ("query", "key", "value")
}

LED = BartLayout(
    architecture="LEDForConditionalGeneration",
    model_type="led",
    parts={
        "positions": "learned",
        "position_offset": 0,
        "norm_first": False,
        "embedding_norm": True,
        "final_norm": False,
        "scale_embedding": False,
    },
    places={
        "max_positions": "max_encoder_position_embeddings",
        "separate_target_positions": "max_decoder_position_embeddings",
    },
    windows_key="attention_window",
    prefix="led.",
    encoder_self_attention={
        "self_attention.out": "self_attn.output",
        **{
            f"self_attention.{ours}": f"self_attn.longformer_self_attn.{theirs}"
            for ours, theirs in _WINDOWED.items()
        },
    },
).family("LED", base_architecture="LEDModel")
