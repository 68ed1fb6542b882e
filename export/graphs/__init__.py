"""PyTorch to ONNX: the modules that become graphs, and their conversion."""
