"""E-mail: subject, sender, date and text; quoted replies are marked, attachments only named."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

from precis_documents._types import Converted, Refused

_HEADERS = ("Subject", "From", "Date")
# How Outlook and others begin what they quote without marks.
_QUOTED_BELOW = re.compile(
    r"^(-{2,} ?(Original Message|Forwarded message|原始邮件|Ursprüngliche Nachricht) ?-{2,}"
    r"|Begin forwarded message:|_{20,})\s*$",
    re.IGNORECASE,
)


def convert(content: bytes, _: str | None = None) -> Converted:
    """Reads one message; its parts say their encodings themselves."""
    message = message_from_bytes(content, policy=policy.default)
    if not isinstance(message, EmailMessage) or not any(
        _header(message, each) for each in _HEADERS
    ):
        raise Refused("has neither subject, sender nor date: it is no e-mail")
    if message.get_content_type() in ("multipart/encrypted", "application/pkcs7-mime"):
        raise Refused("is encrypted; decrypt it in a mail program and save it from there")
    head = [f"{name}: {value}" for name in _HEADERS if (value := _header(message, name))]
    return Converted(
        "\n".join(head) + "\n\n" + _mark_quotes(_body(message)),
        _header(message, "Subject"),
        _notes(message),
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = message[name]
    except Exception:  # the library stumbles over some malformed headers
        value = dict(message.raw_items()).get(name)
    return " ".join(str(value or "").split())


def _body(message: EmailMessage) -> str:
    plain, page = (message.get_body((kind,)) for kind in ("plain", "html"))
    texts = [] if plain is None else [_text_of(plain)]
    if page is not None and not "".join(texts).strip():
        from precis_documents import web_page  # needs a package that plain text does without

        texts = [web_page.convert(_text_of(page).encode(), "utf-8").text]
    texts += [_text_of(part) for part in message.iter_attachments() if _goes_on_in(part)]
    if not texts and isinstance(payload := message.get_payload(), str):
        if message.get_content_maintype() != "multipart":
            raise Refused(f"holds no text, but {message.get_content_type()}")
        texts = [payload]  # its parts are not where it says, so all of it is its text
    return "\n\n".join(text.strip() for text in texts)


def _goes_on_in(part: MIMEPart) -> bool:
    """Whether the part is text that the sender sees as a piece of the message."""
    is_plain = part.get_content_type() == "text/plain"
    return is_plain and not part.is_attachment() and not part.get_filename()


def _text_of(part: MIMEPart) -> str:
    try:
        text = str(part.get_content())
    except (LookupError, UnicodeError):  # an encoding that Python does not know
        raise Refused(f"says that it is written in {part.get_content_charset()!r}") from None
    return text.replace("\r\n", "\n").encode("utf-8", "replace").decode()


def _mark_quotes(text: str) -> str:
    lines: list[str] = []
    is_quoted = False
    for line in text.splitlines():
        is_quoted = is_quoted or bool(_QUOTED_BELOW.match(line))
        lines.append(f"> {line}".rstrip() if is_quoted and not line.startswith(">") else line)
    return "\n".join(lines)


def _notes(message: EmailMessage) -> tuple[str, ...]:
    names = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    if not names:
        return ()
    count = "1 attachment was" if len(names) == 1 else f"{len(names)} attachments were"
    return (f"{count} not read: {', '.join(' '.join(name.split()) for name in names)}",)
