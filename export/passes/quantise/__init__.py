"""Eight bits: the passes that turn the graphs of a bundle into int8."""
