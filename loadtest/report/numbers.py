"""Writes numbers as people read them."""

NONE = "\N{EN DASH}"
"""Stands where nothing was measured."""


def figure(value: float | None) -> str:
    """Writes three digits, or all before the point; a dash for what was not measured."""
    if value is None:
        return NONE
    size = abs(value)
    if size >= 99.95:
        return f"{value:,.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    if size >= 0.9995:
        return f"{value:.2f}"
    return f"{value:.3g}"


def count(value: int) -> str:
    """Writes a whole number."""
    return f"{value:,}"


def percent(share: float | None) -> str:
    """Writes a share; what is not nothing is not written as 0 %."""
    if share is None:
        return NONE
    return f"{100 * share:.3g} %"


def plain(value: float) -> str:
    """Writes a number that somebody chose, such as a limit or a tick, without needless digits."""
    return f"{value:,.10g}"
