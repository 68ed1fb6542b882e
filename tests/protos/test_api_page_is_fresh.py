"""The reference of the API is checked in, so it could go stale."""

from scripts.render_api import PAGE, render


def test_the_checked_in_page_is_what_the_protos_give() -> None:
    assert PAGE.read_text("utf-8") == render(), "run scripts/render_api.py"
