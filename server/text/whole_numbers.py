"""Logarithms in whole numbers: the same to the last digit on every machine.

What `math.log` returns may differ in its last bit from one C library to the next, and a ranking
must not.
"""

from functools import lru_cache

FRACTION_BITS = 12


@lru_cache(maxsize=4096)
def log2(number: int) -> int:
    """The logarithm of a number from 1 on to base 2, times 4,096, rounded down."""
    if number < 1:
        raise ValueError(f"no logarithm of {number}, which is below 1")
    result = number.bit_length() - 1
    # The number over its leading power of two, from 1 to 2, with 32 bits after the point.
    rest = (number << 32) >> result
    for _ in range(FRACTION_BITS):
        rest = rest * rest >> 32
        result *= 2
        if rest >> 33:
            rest >>= 1
            result += 1
    return result
