"""One document from its admission to its answer: admit, read, run, join.

A request is checked once and becomes a `Job`. Reading it gives the windows that the model reads,
one for a document that fits. A `JobRun` sends each window through the engine and joins what was
written into one `Answer`.
"""
