"""The summarisation server: from bytes on the wire to a summary.

Arrows point down: app -> rpc -> service -> text, engine -> decoding.
runtime/ implements the engine's ModelRunner.
"""
