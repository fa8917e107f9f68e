"""The zip file of an Inspect log (.eval), with the compression that the standard library lacks.

Inspect compresses with zstandard (zip method 93), which `zipfile` of Python 3.11 can list but not
unpack; pyarrow, which is here for Parquet, unpacks it.
"""

import io
import json
import struct
import zipfile
import zlib
from typing import Any

from slm_mux.errors import TaskDataError
from slm_mux.importing.sources import Source

_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<26xHH")


class Archive:
    """The members of one zip file.

    Raises:
        TaskDataError: it is no whole zip file.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(source.content))
        except zipfile.BadZipFile as error:
            raise TaskDataError(f"{source.path}: is not a whole zip file ({error})") from error
        # A name may be there twice: what was written last counts.
        self._members = {info.filename: info for info in self._zip.infolist()}

    @property
    def names(self) -> list[str]:
        """The members' names, in the order in which they were written."""
        return list(self._members)

    def json(self, name: str) -> Any:
        """A member as JSON.

        Raises:
            TaskDataError: it cannot be unpacked, or is no JSON.
        """
        place = f"{self.source.path}: {name}"
        try:
            raw = self._bytes(self._members[name])
            text = raw.decode(errors="replace")
            return json.loads(text, strict=False)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, struct.error) as error:
            raise TaskDataError(f"{place} cannot be unpacked ({error})") from error
        except (NotImplementedError, RuntimeError) as error:
            # zipfile raises these for a compression that it does not know and an encrypted member.
            raise TaskDataError(
                f"{place} is packed in a way that cannot be read ({error}); write the log as JSON "
                "with `inspect log convert`"
            ) from error
        except (ValueError, RecursionError) as error:
            raise TaskDataError(f"{place} is not JSON ({error})") from error

    def _bytes(self, info: zipfile.ZipInfo) -> bytes:
        if info.compress_type != _ZSTANDARD:
            return self._zip.read(info)
        import pyarrow

        content = self.source.content
        name, extra = _LOCAL_HEADER.unpack_from(content, info.header_offset)
        start = info.header_offset + _LOCAL_HEADER.size + name + extra
        packed = pyarrow.BufferReader(content[start : start + info.compress_size])
        with pyarrow.CompressedInputStream(packed, "zstd") as stream:
            raw = bytes(stream.read())
        if zlib.crc32(raw) != info.CRC:
            raise zipfile.BadZipFile("the checksum does not fit")
        return raw
