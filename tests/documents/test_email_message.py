"""E-mails: their head, their text, what they quote and what is attached."""

from email.message import EmailMessage

import pytest

from precis_documents import email_message
from precis_documents._types import Converted, Refused

HEAD = "Subject: Hello\nFrom: Ann <ann@example.org>\nDate: Mon, 02 Nov 2026 10:00:00 +0000\n"


def read(body: str, headers: str = "") -> str:
    """The text below the head."""
    return email_message.convert((HEAD + headers + "\n" + body).encode()).text.split("\n\n", 1)[1]


def message(**parts: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = "Hello"
    made.set_content(parts.get("plain", ""))
    if "page" in parts:
        made.add_alternative(parts["page"], subtype="html")
    return made


def test_subject_sender_and_date_are_lines() -> None:
    content = b"To: bob@example.org\nX-Mailer: x\n" + HEAD.encode() + b"\nA message.\n"
    assert email_message.convert(content) == Converted(f"{HEAD}\nA message.", "Hello")


def test_encoded_headers_and_bodies_are_decoded() -> None:
    content = (
        b"Subject: =?utf-8?q?Fl=C3=BCge?=\nContent-Type: text/plain; charset=iso-8859-1\n"
        b"Content-Transfer-Encoding: quoted-printable\n\nsch=F6n\n"
    )
    assert email_message.convert(content).text == "Subject: Fl\u00fcge\n\nsch\u00f6n"


@pytest.mark.parametrize(
    "separator", ["-----Original Message-----", "Begin forwarded message:", "_" * 32]
)
def test_quotes_keep_their_marks_or_get_them(separator: str) -> None:
    body = f"New.\n\n> Old.\n\n{separator}\nFrom: Bob\n\nOlder.\n> Oldest.\n"
    assert read(body) == f"New.\n\n> Old.\n\n> {separator}\n> From: Bob\n>\n> Older.\n> Oldest."


def test_plain_text_is_preferred_to_a_page() -> None:
    made = message(plain="Plain.", page="<p>Page.")
    assert email_message.convert(bytes(made)).text == "Subject: Hello\n\nPlain."


def test_a_page_is_read_where_there_is_no_plain_text() -> None:
    made = message(page="<p>Page.<blockquote>Quoted.</blockquote>")
    assert email_message.convert(bytes(made)).text == "Subject: Hello\n\nPage.\n\n> Quoted."


def test_attachments_are_named_and_not_read() -> None:
    made = message(plain="See the report.")
    made.add_attachment(b"x", maintype="application", subtype="pdf", filename="report.pdf")
    one = email_message.convert(bytes(made))
    made.add_attachment(message(plain="Forwarded."))
    two = email_message.convert(bytes(made))
    assert one.notes == ("1 attachment was not read: report.pdf",)
    assert two.notes == ("2 attachments were not read: report.pdf, message/rfc822",)
    assert "Forwarded." not in two.text


def mixed(*parts: str) -> str:
    """What is read of a message of these parts, below its head."""
    body = "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"
    return read(body, "Content-Type: multipart/mixed; boundary=b\n")


def test_text_that_goes_on_after_a_picture_is_read() -> None:
    picture = "Content-Type: image/png\n\nx"
    assert mixed("\nBefore.", picture, "\nAfter.") == "Before.\n\nAfter."


def test_a_text_that_is_attached_is_not_read() -> None:
    attached = "Content-Type: text/plain\nContent-Disposition: attachment\n\nattached"
    assert mixed("\nText.", attached) == "Text."


def test_parts_that_are_not_where_the_message_says_are_read_as_they_stand() -> None:
    assert read("Words.", "Content-Type: multipart/mixed; boundary=b\n") == "Words."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            b"Subject: x\nContent-Type: application/pdf\n\nx",
            "holds no text, but application/pdf",
        ),
        (b"Only words.\n", "has neither subject, sender nor date: it is no e-mail"),
        (
            b"Subject: x\nContent-Type: multipart/encrypted; boundary=x\n\n--x--",
            "is encrypted; decrypt it in a mail program and save it from there",
        ),
        (
            b"Subject: x\nContent-Type: text/plain; charset=klingon\n\n\xff",
            "says that it is written in 'klingon'",
        ),
    ],
)
def test_what_is_no_readable_message_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(Refused, match=f"^{why}$"):
        email_message.convert(content)


def test_headers_that_the_library_stumbles_over_are_taken_as_they_stand() -> None:
    content = b"Subject: Hello\nFrom: <<>>[]@(x\nDate: yesterday\n\nA message."
    assert email_message.convert(content).text.startswith("Subject: Hello\nFrom:")
