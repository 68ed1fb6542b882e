"""Families of checkpoints: data that says how each spells the one network (model/transformer.py).

`find` tells the family of a config.json, or raises `UnsupportedFamily` with the reason and the
closest family that we have. To add one, write its module beside these and list it in registry.py.
"""

from model.families.family import Family
from model.families.registry import FAMILIES, family_of, find
from model.families.unsupported import UnsupportedFamily

__all__ = ["FAMILIES", "Family", "UnsupportedFamily", "family_of", "find"]
