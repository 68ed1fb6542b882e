"""How the next token is chosen: one strategy object for each row, plain Python, no tensors."""
