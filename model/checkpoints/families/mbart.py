"""mBART: BART over many languages, with the norms first and one more at the end of each stack.

"Multilingual Denoising Pre-training for Neural Machine Translation", Liu et al. 2020.
"""

from model.checkpoints.families.bart_layout import BartLayout

MBART = BartLayout(
    architecture="MBartForConditionalGeneration",
    model_type="mbart",
    parts={
        "positions": "learned",
        "position_offset": 2,
        "norm_first": True,
        "embedding_norm": True,
        "final_norm": True,
    },
    fixed={
        "normalize_before": True,
        "normalize_embedding": True,
        "add_final_layer_norm": True,
        "static_position_embeddings": False,
    },
).family("mBART", base_architecture="MBartModel")
