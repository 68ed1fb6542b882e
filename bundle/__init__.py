"""The contract on disk between export and server.

A bundle is a directory: manifest.json, the ONNX graphs, one weights file and tokenizer.json.
This package knows what must be in it and refuses what is not; it never imports torch, onnxruntime
or grpc.
"""

from bundle.errors import BundleError
from bundle.load import Bundle, load_bundle
from bundle.manifest import Manifest
from bundle.tokenizer import BundleTokenizer

__all__ = ["Bundle", "BundleError", "BundleTokenizer", "Manifest", "load_bundle"]
