"""Generated from protos/inference/ by `make protos`; do not edit."""
