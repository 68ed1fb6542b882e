"""Documents and summaries on disk, and the sentences in them."""
