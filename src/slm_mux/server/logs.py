"""What the server writes down: one line for each event, as JSON or for people."""

import json
import logging
import time
import traceback
from typing import Any

import msgspec

from slm_mux.server.settings import ServerSettings

LOGGER = "slm_mux.server"
_OURS = (LOGGER, "uvicorn.error")


def log_event(level: int, event: str, **fields: Any) -> None:
    """Write an event and its fields; None is left out."""
    logger = logging.getLogger(LOGGER)
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={"fields": fields})


def log_exception(event: str, error: BaseException, *, prompts: bool, **fields: Any) -> None:
    """Write where an error came from, and its message only where prompts may be written.

    Args:
        event: its name.
        error: an error that nobody expected; its message may quote anything.
        prompts: whether it may.
        fields: of the event.
    """
    frames = traceback.extract_tb(error.__traceback__)
    trace = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log_event(
        logging.ERROR,
        event,
        error=type(error).__name__,
        message=str(error) if prompts else None,
        trace=trace,
        **fields,
    )


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, event, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        document = _document(record)
        try:
            return msgspec.json.encode(document, enc_hook=str).decode()
        except UnicodeEncodeError:
            return json.dumps(document, default=str)


class TextFormatter(logging.Formatter):
    """One line for people: time, level, event, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        document = _document(record)
        head = f"{document.pop('time')} {document.pop('level')} {document.pop('event')}"
        fields = (f"{name}={json.dumps(v, default=str)}" for name, v in document.items())
        return " ".join([head, *fields])


def _document(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", {})
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return {
        "time": f"{second}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "event": record.getMessage(),
        **{name: value for name, value in fields.items() if value is not None},
    }


def write_logs(settings: ServerSettings) -> None:
    """Write the events of this process's server to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    level = getattr(logging, settings.log_level.upper())
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        # uvicorn says of each start and stop what the server says itself.
        logger.setLevel(level if name == LOGGER else max(level, logging.WARNING))
