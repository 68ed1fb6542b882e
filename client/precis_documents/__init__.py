"""Documents as people have them on disk, read as plain text for a summariser.

    from precis_documents import read_document

    document = read_document("report.pdf")
    print(document.title, document.text)

Headings become lines that begin with `#`, paragraphs are separated by blank lines, and a row of a
table is a line. Whatever needs a parser is read in a child process with limits of time and memory.
Plain text, Markdown, Word documents, e-mails and subtitles need nothing but Python; PDF and HTML
need the extra `precis-client[documents]`.
"""

from precis_documents._read import read_document
from precis_documents._types import Document, Kind, Limits, UnreadableDocument

__all__ = ["Document", "Kind", "Limits", "UnreadableDocument", "read_document"]
