"""Several processes that train one network: who am I, and what do the others have.

`torchrun` starts them; started by itself, a process is alone. The network is wrapped in PyTorch's
DistributedDataParallel, which averages gradients while they are being computed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Workers:
    """This process among those of the run."""

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that logs and saves."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, given to each."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def workers() -> Iterator[Workers]:
    """Join the processes of this run, and leave them at the end."""
    cuda = torch.cuda.is_available()
    if not dist.is_torchelastic_launched():
        yield Workers(0, 1, torch.device("cuda" if cuda else "cpu"))
        return
    device = torch.device(f"cuda:{dist.get_node_local_rank()}" if cuda else "cpu")
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Workers(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()
