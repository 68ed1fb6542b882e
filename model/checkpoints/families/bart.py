"""BART and its distilled offspring: norms last, learned places from the third row of a table on.

"BART: Denoising Sequence-to-Sequence Pre-training", Lewis et al. 2020; "Pre-trained Summarization
Distillation", Shleifer and Rush 2020, whose DistilBART is BART with fewer layers.
"""

from model.checkpoints.families.bart_layout import BartLayout

BART = BartLayout(
    architecture="BartForConditionalGeneration",
    model_type="bart",
    parts={
        "positions": "learned",
        "position_offset": 2,
        "norm_first": False,
        "embedding_norm": True,
        "final_norm": False,
    },
    fixed={
        "normalize_before": False,
        "normalize_embedding": True,
        "add_final_layer_norm": False,
        "static_position_embeddings": False,
    },
).family("BART", base_architecture="BartModel")
