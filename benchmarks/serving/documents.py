"""The documents that are sent: real text of one length, so that rates can be compared."""

from pathlib import Path

from benchmarks.cpu.documents import make_documents, read_reader

TOKENS = 200
COUNT = 64


def write_documents(bundle: Path, folder: Path) -> Path:
    """Writes texts of 200 tokens each, English and Chinese, what stands around them counted.

    A piece cut out of a text may be read as a token more or less.
    """
    reader = read_reader(bundle)
    folder.mkdir(parents=True, exist_ok=True)
    around = len(reader.prefix_ids), len(reader.suffix_ids)
    for number, ids in enumerate(make_documents(str(TOKENS), COUNT, reader)):
        body = ids[around[0] : len(ids) - around[1]]
        (folder / f"{number:03}.txt").write_text(reader.tokenizer.decode(body), "utf-8")
    return folder
