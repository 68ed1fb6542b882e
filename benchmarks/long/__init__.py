"""How long documents are served: quality, time and memory, and what they do to short requests."""
