"""Families of checkpoints: data that says how each spells the one network of model/network/.

`find` tells the family of a config.json, or raises `UnsupportedFamily` with the reason and the
closest family that we have. To add one, write its module beside these and list it in registry.py.
"""

from model.checkpoints.families.family import Family
from model.checkpoints.families.registry import FAMILIES, family_of, find
from model.checkpoints.families.unsupported import UnsupportedFamily

__all__ = ["FAMILIES", "Family", "UnsupportedFamily", "family_of", "find"]
