"""The summariser in PyTorch: network, checkpoints, reference decoder and evaluation."""
