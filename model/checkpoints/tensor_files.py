"""The tensors of a checkpoint directory, in one safetensors file or in shards."""

import json
from pathlib import Path
from types import TracebackType

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_FLOATS = ("F64", "F32", "F16", "BF16")


class CheckpointError(ValueError):
    """A checkpoint that does not fit its own config; the message lists every mismatch."""


class TensorFiles:
    """Every tensor by name, with its shape known before it is read."""

    def __init__(self, directory: Path) -> None:
        """Open what there is; raises `CheckpointError` naming every file that is not."""
        self.path = directory / SINGLE
        if self.path.exists():
            self._open([self.path])
        elif (directory / INDEX).exists():
            self.path = directory / INDEX
            self._open_shards(directory)
        else:
            raise CheckpointError(_why_nothing(directory))
        self.shapes = {
            name: tuple(file.get_slice(name).get_shape()) for name, file in self._files.items()
        }

    def __enter__(self) -> "TensorFiles":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.clear()  # safetensors unmaps a file when nothing refers to it

    def dtype(self, name: str) -> str:
        """How a tensor's numbers are stored, such as "F16"."""
        return str(self._files[name].get_slice(name).get_dtype())

    def read(self, name: str) -> Tensor:
        """One tensor in float32; raises `CheckpointError` for one that holds no floats."""
        dtype = self.dtype(name)
        if dtype not in _FLOATS:
            raise CheckpointError(f"{self.path}: {name} holds {dtype}, not {', '.join(_FLOATS)}")
        return self._files[name].get_tensor(name).to(torch.float32)

    def _open(self, paths: list[Path]) -> None:
        self._files = {}
        for path in paths:
            try:
                file = safe_open(path, framework="pt")
            except SafetensorError as error:
                raise CheckpointError(f"{path} cannot be read: {error}") from error
            self._files.update(dict.fromkeys(file.keys(), file))

    def _open_shards(self, directory: Path) -> None:
        promised = _weight_map(self.path)
        shards = sorted(set(promised.values()))
        if missing := [shard for shard in shards if not (directory / shard).is_file()]:
            raise CheckpointError(
                f"{self.path} names files that are not there: {', '.join(missing)}"
            )
        self._open([directory / shard for shard in shards])
        if absent := sorted(promised.keys() - self._files.keys()):
            raise CheckpointError(
                f"{self.path} promises tensors that no file holds: {', '.join(absent)}"
            )


def _weight_map(index: Path) -> dict[str, str]:
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        weight_map = content["weight_map"]
        good = all(
            isinstance(file, str) and Path(file).name == file for file in weight_map.values()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise CheckpointError(f"{index} has no weight_map from tensors to files beside it")
    return dict(weight_map)


def _why_nothing(directory: Path) -> str:
    pickles = [name for name in _PICKLES if (directory / name).exists()]
    if not pickles:
        return f"{directory} has neither {SINGLE} nor {INDEX}"
    return (
        f"{directory} has {pickles[0]} alone, a pickle, which runs code when it is read: "
        f"convert it to {SINGLE} first (save_pretrained of transformers writes that)"
    )
