"""Generated from protos/summarizer/ by `make protos`; do not edit."""
