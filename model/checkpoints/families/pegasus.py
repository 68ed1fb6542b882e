"""PEGASUS: norms first, places told by sinusoids. The project's own model is laid out so.

"PEGASUS: Pre-training with Extracted Gap-sentences for Abstractive Summarization", Zhang et al.
2020.
"""

from model.checkpoints.families.bart_layout import BartLayout

PEGASUS = BartLayout(
    architecture="PegasusForConditionalGeneration",
    model_type="pegasus",
    parts={
        "positions": "sinusoidal",
        "norm_first": True,
        "embedding_norm": False,
        "final_norm": True,
    },
    fixed={
        "normalize_before": True,
        "normalize_embedding": False,
        "add_final_layer_norm": True,
        "static_position_embeddings": True,
    },
).family("PEGASUS", base_architecture="PegasusModel")
