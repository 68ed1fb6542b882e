"""The generated stubs are checked in, so they could go stale."""

from pathlib import Path

from scripts.gen_protos import HOMES, ROOT, generate


def stub_texts(root: Path) -> dict[str, str]:
    """Reads every stub, by its path."""
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for home in HOMES
        for path in (root / home.path).rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
    }


def test_the_checked_in_stubs_are_what_the_protos_give(tmp_path: Path) -> None:
    generate(tmp_path)

    assert stub_texts(ROOT) == stub_texts(tmp_path), "run `make protos`"


def test_stubs_of_a_proto_that_is_gone_are_removed(tmp_path: Path) -> None:
    left_over = [tmp_path / home.path / "gone" / "v1" / "gone_pb2.py" for home in HOMES]
    for stub in left_over:
        stub.parent.mkdir(parents=True)
        stub.touch()

    written = generate(tmp_path)

    assert not any(stub.exists() for stub in left_over)
    assert {path.as_posix() for path in written} == stub_texts(tmp_path).keys()
