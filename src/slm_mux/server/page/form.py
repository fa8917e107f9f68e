"""The form of a question: what was filled in, and the chat request that it stands for.

It becomes the body of a request to the API and is read by the API's own code, so that nothing can
be asked here that could not be asked there.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.types import Scope

from slm_mux.server.replies import media_type
from slm_mux.server.wire.errors import ApiError, RefusedError, refused
from slm_mux.server.wire.names import DEFAULT_METHOD, ModelName

_FIELD_OF = {
    "model": "pool",
    "mux.kind": "kind",
    "mux.samples": "samples",
    "mux.stopping": "stopping",
    "mux.labels": "labels",
    "temperature": "temperature",
    "max_tokens": "max_tokens",
}
"""The form's field for a parameter of the API's."""


class Form(Struct, frozen=True, kw_only=True):
    """What was filled in, as text; blank where nothing was."""

    question: str = ""
    pool: str = ""
    """Blank for the first one."""
    method: str = DEFAULT_METHOD
    kind: str = "auto"
    samples: str = ""
    stopping: str = ""
    temperature: str = ""
    max_tokens: str = ""
    labels: str = ""
    """One on each line."""
    keep: str = ""
    """Not blank: the question is to be kept, for a link."""
    key: str = ""
    """Never shown again."""

    def body(self) -> bytes:
        """Write the request's body.

        Raises:
            RefusedError: the question is blank, or a number is none (400).
        """
        if not self.question.strip():
            raise refused("the question is empty", param="messages")
        name = ModelName(pool=self.pool.strip() or None, method=self.method or DEFAULT_METHOD)
        labels = [line.strip() for line in self.labels.splitlines() if line.strip()]
        ours = {
            "kind": self.kind or "auto",
            "samples": _number(self.samples, "mux.samples", "the number of draws", whole=True),
            "stopping": self.stopping or None,
            "labels": labels or None,
            "detail": "draws",
        }
        return msgspec.json.encode(
            {
                "model": str(name),
                "messages": [{"role": "user", "content": self.question}],
                "temperature": _number(self.temperature, "temperature", "the temperature"),
                "max_tokens": _number(
                    self.max_tokens, "max_tokens", "the limit of tokens", whole=True
                ),
                "mux": ours,
            }
        )


FIELDS = Form.__struct_fields__


def check_form_type(scope: Scope) -> None:
    """Take what a form sends, and nothing else.

    Raises:
        RefusedError: it is something else (415).
    """
    if media_type(scope) != "application/x-www-form-urlencoded":
        raise RefusedError(
            ApiError(
                status=415,
                message="send the form as application/x-www-form-urlencoded",
                code="unsupported_media_type",
            )
        )


def fields_in(body: bytes) -> dict[str, str]:
    """Read what a form sent.

    Raises:
        RefusedError: it is no form's, or has a field twice or one that there is not (400).
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=len(FIELDS) + 1,
        )
    except ValueError:
        raise refused("the request's body is not what a form sends") from None
    fields = dict(pairs)
    unknown = [name for name in fields if name not in FIELDS]
    if unknown or len(fields) < len(pairs):
        raise refused("the form has a field that there is not, or one twice")
    # Browsers send line ends as two characters; the same question through the API has one.
    return {name: re.sub("\r\n?", "\n", value) for name, value in fields.items()}


def field_of(error: ApiError) -> str | None:
    """The form's field that an error speaks of; None where it speaks of none."""
    if error.param is None:
        return "key" if error.status == 401 else None
    return "question" if error.param.startswith("messages") else _FIELD_OF.get(error.param)


def _number(text: str, param: str, what: str, *, whole: bool = False) -> Any:
    text = text.strip()
    if not text:
        return None
    form = r"[+-]?\d{1,9}" if whole else r"[+-]?\d{1,9}([.,]\d{1,9})?"
    if not re.fullmatch(form, text, re.ASCII):
        kind = "a whole number" if whole else "a number"
        raise refused(f"{what} must be {kind}", param=param)
    return int(text) if whole else float(text.replace(",", "."))
