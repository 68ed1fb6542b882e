"""Reference decoders: greedy, beams and sampling, plain enough to check faster ones against."""
