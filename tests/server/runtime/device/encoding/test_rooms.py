"""What is far larger than all that came lately."""

from server.runtime.device.encoding.rooms import Outliers


def test_one_huge_batch_among_small_ones_is_an_outlier() -> None:
    sizes = Outliers()
    assert not any(sizes.observe(100) for _ in range(10))
    assert sizes.observe(1000)


def test_a_size_that_comes_again_is_no_outlier() -> None:
    sizes = Outliers()
    for _ in range(10):
        sizes.observe(100)
    sizes.observe(1000)
    assert not sizes.observe(1000)


def test_nothing_is_known_at_first() -> None:
    sizes = Outliers()
    sizes.observe(1)
    assert not sizes.observe(1000)
