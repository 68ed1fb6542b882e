"""One computation for identical requests at the same time, and its result kept for later ones."""
