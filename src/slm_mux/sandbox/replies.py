"""What the harness reports, read with distrust: the program can write there too."""

from slm_mux.sandbox.limits import CallOutcome, Calls, CallStatus

_DIED = CallOutcome(status="died")


def read_calls(reported: bytes, count: int) -> Calls:
    """Read the reports of `inside.calls`; what is missing or is none counts as died."""
    lines = reported.split(b"\n")
    outcomes = [_one(line) for line in lines[: count + 1] if line]
    if not outcomes:
        return Calls(loaded=_DIED)
    loaded, *calls = outcomes
    if loaded.status != "returned":
        return Calls(loaded=loaded)
    return Calls(loaded=loaded, calls=tuple(calls + [_DIED] * (count - len(calls))))


def _one(line: bytes) -> CallOutcome:
    how, _, payload = line.partition(b" ")
    endings: dict[bytes, CallStatus] = {b"timed_out": "timed_out", b"skipped": "skipped"}
    if how == b"late":
        return CallOutcome(status="timed_out", by_wall_time=True)
    if how in endings:
        return CallOutcome(status=endings[how])
    try:
        status, first, text, printed = bytes.fromhex(payload.decode("ascii")).split(b"\n")
        fields = [bytes.fromhex(field.decode("ascii")) for field in (first, text, printed)]
    except ValueError:  # UnicodeDecodeError too
        return _DIED
    value, text_, shown = (field.decode("utf-8", "replace") for field in fields)
    if how != b"reported":
        return _DIED
    if status == b"returned":
        return CallOutcome(status="returned", value=value, text=text_, printed=shown)
    if status == b"raised":
        return CallOutcome(status="raised", error=value, printed=shown)
    return _DIED
