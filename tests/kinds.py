"""An answer kind for tests that are not about reading."""

from slm_mux.types import Answer, KindName


class AsWritten:
    """Reads the whole completion as the answer; "?" cannot be read."""

    name: KindName = "text"

    def __init__(self, *, may_block: bool = False) -> None:
        self.may_block = may_block

    def instruction(self) -> str:
        return ""

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        return None if text == "?" or cut_off else Answer(text, text.strip())

    def canonical(self, answer: str) -> str | None:
        return answer.strip()

    def close(self) -> None:
        pass
