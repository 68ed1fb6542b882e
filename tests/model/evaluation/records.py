"""Records for the tests of evaluation; each test states only what it varies."""

from model.data.records import Record


def make_record(**changes: str) -> Record:
    values = {
        "id": "a",
        "document": "A long document. It says much.",
        "summary": "short",
        "style": "brief",
        "lang": "en",
    }
    return Record(**values | changes)
