"""Which family a config.json belongs to."""

from collections.abc import Mapping
from typing import Any

from model.checkpoints.families.bart import BART
from model.checkpoints.families.family import Family
from model.checkpoints.families.led import LED
from model.checkpoints.families.marian import MARIAN
from model.checkpoints.families.mbart import MBART
from model.checkpoints.families.pegasus import PEGASUS
from model.checkpoints.families.t5 import MT5, T5
from model.checkpoints.families.unsupported import refuse
from model.network.config import ConfigError, ModelConfig

FAMILIES: tuple[Family, ...] = (BART, MBART, PEGASUS, MARIAN, T5, MT5, LED)
"""Every family that the network runs."""

_BY_ARCHITECTURE = {
    name: family
    for family in FAMILIES
    # A base model is the same network, its output words being scored with the token matrix.
    for name in (*family.architectures, *family.base_architectures)
}
_BY_MODEL_TYPE = {family.model_type: family for family in FAMILIES}


def find(config_json: Mapping[str, Any]) -> Family:
    """The family of a parsed config.json, by its architecture or, if it names none, its type.

    Raises `UnsupportedFamily` saying why there is none, and which is closest.
    """
    architectures = config_json.get("architectures") or []
    model_type = config_json.get("model_type")
    if not isinstance(architectures, list) or not all(isinstance(a, str) for a in architectures):
        raise ConfigError(f"architectures is {architectures!r}, not a list of names")
    if not (model_type is None or isinstance(model_type, str)):
        raise ConfigError(f"model_type is {model_type!r}, not a name")
    if architectures:
        family = _BY_ARCHITECTURE.get(architectures[0])
    else:
        family = _BY_MODEL_TYPE.get(model_type or "")
    if family is None:
        refuse(architectures[0] if architectures else None, model_type, FAMILIES)
    return family


def family_of(config: ModelConfig) -> Family:
    """The family that a config was read by; raises `ConfigError` for an architecture of none."""
    family = _BY_ARCHITECTURE.get(config.architecture)
    if family is None:
        raise ConfigError(f"{config.architecture!r} is the architecture of no family")
    return family
