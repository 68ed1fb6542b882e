"""The generated stubs are checked in, so they could go stale."""

from pathlib import Path

from scripts.gen_protos import DESTINATION, STUBS, generate


def stub_texts(destination: Path) -> dict[str, str]:
    """Reads every stub, by its path."""
    return {
        path.relative_to(destination).as_posix(): path.read_text("utf-8")
        for path in (destination / STUBS).rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
    }


def test_the_checked_in_stubs_are_what_the_protos_give(tmp_path: Path) -> None:
    generate(tmp_path)

    assert stub_texts(DESTINATION) == stub_texts(tmp_path), "run `make protos`"


def test_stubs_of_a_proto_that_is_gone_are_removed(tmp_path: Path) -> None:
    left_over = tmp_path / STUBS / "gone" / "v1" / "gone_pb2.py"
    left_over.parent.mkdir(parents=True)
    left_over.touch()

    written = generate(tmp_path)

    assert not left_over.exists()
    assert {path.as_posix() for path in written} == stub_texts(tmp_path).keys()
