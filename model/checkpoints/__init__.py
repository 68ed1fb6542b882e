"""Checkpoint directories: weights, configuration, generation settings and tokenizer."""
