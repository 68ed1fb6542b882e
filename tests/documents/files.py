"""Small documents made for the tests."""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass

from pypdf import PdfReader, PdfWriter

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_FONTS = {"plain": "Helvetica", "bold": "Helvetica-Bold", "mono": "Courier"}
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
_RELATIONSHIPS = f"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Type="{_OFFICE}" Target="word/document.xml"/></Relationships>"""
_STYLES = f"""<w:styles {W}>
<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Own"><w:name w:val="Mine"/><w:basedOn w:val="H1"/></w:style>
<w:style w:styleId="Deep"><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
<w:style w:styleId="Dots"><w:pPr><w:numPr/></w:pPr></w:style>
<w:style w:styleId="Body"><w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style>
</w:styles>"""


@dataclass(frozen=True)
class Put:
    """A line of text at a place of a page."""

    text: str
    y: float
    x: float = 72
    size: float = 11
    font: str = "plain"


def paragraph(*lines: str, top: float = 700, x: float = 72, indent: float = 0) -> list[Put]:
    """Lines below each other, in the ordinary distance for their size."""
    return [
        Put(line, top - 13 * number, x + (indent if number == 0 else 0))
        for number, line in enumerate(lines)
    ]


def pdf(*pages: Iterable[Put], title: str = "", picture: bool = False) -> bytes:
    """A PDF of one content stream a page; `picture` puts an image on each of them."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    fonts = ""
    for name, base in _FONTS.items():
        objects.append(
            f"<< /Type /Font /Subtype /Type1 /BaseFont /{base} /Encoding /WinAnsiEncoding >>"
        )
        fonts += f"/{name} {len(objects)} 0 R "
    objects.append(
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray "
        "/BitsPerComponent 8 /Length 1 >>\nstream\n0\nendstream"
    )
    resources = f"<< /Font << {fonts}>> /XObject << /picture {len(objects)} 0 R >> >>"
    kids = []
    for page in pages:
        drawing = "q 500 0 0 500 50 50 cm /picture Do Q\n" if picture else ""
        drawing += "".join(_drawn(put) for put in page)
        objects.append(
            f"<< /Length {len(drawing.encode('cp1252'))} >>\nstream\n{drawing}\nendstream"
        )
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources {resources} "
            f"/Contents {len(objects)} 0 R >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>"
    objects.append(f"<< /Title ({title}) >>")
    return _file(objects)


def _drawn(put: Put) -> str:
    text = put.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{put.font} {put.size} Tf 1 0 0 1 {put.x} {put.y} Tm ({text}) Tj ET\n"


def _file(objects: list[str]) -> bytes:
    content = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(content))
        content += f"{number} 0 obj\n{each}\nendobj\n".encode("cp1252")
    start = len(content)
    content += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    content += "".join(f"{offset:010} 00000 n \n" for offset in offsets).encode()
    size, info = len(objects) + 1, f"{len(objects)} 0 R"
    content += f"trailer\n<< /Size {size} /Root 1 0 R /Info {info} >>\n".encode()
    return bytes(content + f"startxref\n{start}\n%%EOF\n".encode())


def encrypted(content: bytes, password: str) -> bytes:
    """The PDF as only the password opens it; the empty one opens it for everybody."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def docx(body: str, **parts: str) -> bytes:
    """A Word document; `parts` are further files of its folder word/, by name."""
    files = {
        "_rels/.rels": _RELATIONSHIPS,
        "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": _STYLES,
    }
    files |= {f"word/{name}.xml": content for name, content in parts.items()}
    return archive(files)


def archive(files: dict[str, str]) -> bytes:
    """A ZIP archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return written.getvalue()


def p(text: str, style: str = "") -> str:
    """A paragraph of a Word document."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"
