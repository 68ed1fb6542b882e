"""Checks that a bundle computes what PyTorch computes, and that a device can run its graphs."""
