"""The zoo's formulas once more: float64, NumPy, one query and one key at a time, no masks.

They share nothing with model/network/zoo.py but the names of the parameters.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Parameters = Mapping[str, Array]


def score(name: str, p: Parameters, query: Array, key: Array, row: int, place: int) -> float:
    """How well `key`, the one at `place`, suits `query`, the one in `row`."""
    width = len(query)
    if name == "dot":
        return sum(query[c] * key[c] for c in range(width))
    if name == "scaled_dot_product":
        return sum(query[c] * key[c] for c in range(width)) / math.sqrt(width)
    if name == "general":
        pairs = [(a, b) for a in range(len(key)) for b in range(width)]
        return sum(key[a] * p["weight"][a, b] * query[b] for a, b in pairs) / math.sqrt(width)
    if name == "additive":
        total = 0.0
        for unit in range(len(p["score_weight"][0])):
            inside = p["query_weight"][unit] @ query + p["key_weight"][unit] @ key
            total += p["score_weight"][0, unit] * math.tanh(inside)
        return total
    if name == "location":
        return sum(p["weight"][place, c] * query[c] for c in range(width))
    if name == "weighted":
        vector = p["weight"][row if len(p["weight"]) > 1 else 0]
        return sum(vector[c] * key[c] for c in range(width))
    raise AssertionError(name)


def softmax(scores: Sequence[float]) -> Array:
    """exp of each, divided by their sum."""
    powers = [math.exp(value - max(scores)) for value in scores]
    return np.array([power / sum(powers) for power in powers])


def attend(name: str, p: Parameters, query: Array, key: Array, value: Array) -> tuple[Array, Array]:
    """One row of a batch: query [q,d], key [k,d], value [k,v] -> context [q,v], weights [q,k]."""
    rows, places = range(len(query)), range(len(key))
    weights = np.array(
        [softmax([score(name, p, query[i], key[j], i, j) for j in places]) for i in rows]
    )
    context = np.zeros((len(query), value.shape[-1]))
    for i in rows:
        for j in places:
            context[i] += weights[i, j] * value[j]
    return context, weights
