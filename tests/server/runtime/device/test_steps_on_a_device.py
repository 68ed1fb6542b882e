"""Whatever is true of a step on the processor is true of one on a device: the same tests again."""

__all__ = [name for name in dir() if name.startswith("test_")]
