"""Texts are compressed for the store, and come back exactly."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import StoreError
from slm_mux.store.packing import Packer, unpack

ANSWER = "We add 3 and 4 to get 7. So, the final answer is \\(\\boxed{7}\\)."
_DEFLATED = "0103263b50ec1903e552144c60d163ae47d844f3da184d3d00"
_ZSTD = "0228b52ffd203fdd000078573320616e642034372e377d5c292e030055382cbac482877505"


@given(st.lists(st.text(st.characters(), max_size=300), max_size=4))
def test_texts_come_back(texts: list[str]) -> None:
    """Whatever one packer is given, in whatever order: NUL and lone surrogates too."""
    packer = Packer()
    assert [unpack(packer.pack(text)) for text in texts] == texts


def test_long_texts_come_back_small() -> None:
    """Ten megabytes of repetition are no problem."""
    text = "the same again " * 700_000
    packed = Packer().pack(text)
    assert len(packed) < 10_000
    assert unpack(packed) == text


def test_what_would_grow_is_kept_plain() -> None:
    """A text that compression makes longer is stored as it is, and a byte that says so."""
    assert Packer().pack("xq") == b"\x00xq"


def test_threads_may_share_a_packer() -> None:
    """Texts packed at the same time do not get mixed up."""
    packer = Packer()
    texts = [f"{number} " * (number % 200) for number in range(2000)]
    with ThreadPoolExecutor(4) as pool:
        assert [unpack(packed) for packed in pool.map(packer.pack, texts)] == texts


@pytest.mark.parametrize("packed", [_DEFLATED, _ZSTD], ids=["deflate", "zstd"])
def test_stored_forms_stay_readable(packed: str) -> None:
    """Texts as earlier versions packed them are read: the dictionary is part of the format."""
    assert unpack(bytes.fromhex(packed)) == ANSWER


@pytest.mark.parametrize("blob", [b"", b"\x07abc", b"\x01abc", b"\x02abc", b"\x00\xff"])
def test_bytes_that_nobody_packed(blob: bytes) -> None:
    """They are the error of a damaged store."""
    with pytest.raises(StoreError, match="the store is damaged"):
        unpack(blob)


@given(st.data())
def test_a_cut_text_is_an_error(data: st.DataObject) -> None:
    """The beginning of a packed text is not taken for the whole."""
    packed = Packer().pack(ANSWER * 3)
    with pytest.raises(StoreError, match="the store is damaged"):
        unpack(packed[: data.draw(st.integers(1, len(packed) - 1))])
