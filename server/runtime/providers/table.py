"""The table of providers. To add one, write a file next to this one and name it here."""

from collections.abc import Sequence

from server.runtime.providers.cpu import CPU
from server.runtime.providers.cuda import CUDA
from server.runtime.providers.provider import Accelerator, Provider

# In the order in which `auto` tries them.
PROVIDERS: Sequence[Provider] = (CUDA, CPU)
ACCELERATORS = tuple(each for each in PROVIDERS if isinstance(each, Accelerator))
