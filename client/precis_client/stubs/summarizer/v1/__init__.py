"""Generated from protos/summarizer/v1/ by `make protos`; do not edit."""
