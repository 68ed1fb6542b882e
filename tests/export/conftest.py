"""Exports take seconds, so tests share what they only read."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.export.family_bundles import FamilyBundle, give_copy_head, make_bundle, make_checkpoint


@pytest.fixture(scope="session")
def family_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], FamilyBundle]:
    """Makes the fp32 bundle of a family, once; "FAMILY, copying" has a copy head."""

    @cache
    def made(name: str) -> FamilyBundle:
        family, _, copies = name.partition(", ")
        checkpoint = make_checkpoint(family, tmp_path_factory.mktemp("family"))
        if copies:
            give_copy_head(checkpoint)
        return make_bundle(checkpoint)

    return made
