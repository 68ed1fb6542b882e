"""tokenizer.json for every family: the one a checkpoint has, or one built from its older files."""

from model.checkpoints.tokenizing.declared import TokenizerError
from model.checkpoints.tokenizing.ensure import describe, ensure_tokenizer, tokenizer_problem
from model.checkpoints.tokenizing.fitting import fitting

__all__ = ["TokenizerError", "describe", "ensure_tokenizer", "fitting", "tokenizer_problem"]
