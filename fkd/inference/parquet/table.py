"""The rows of one part as a Parquet file."""

import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from fkd.geometry.pose import Pose
from fkd.inference.parquet import files
from fkd.inference.parquet.rows import Counts, FaceRow, add

_FLOATS = pa.list_(pa.float32())
# The columns, in the order of `FaceRow`. Lists have no fixed size: pyarrow 25 cannot read such a
# list back where it is null.
SCHEMA = pa.schema(
    [
        pa.field("uri", pa.string(), nullable=False),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("several_pictures", pa.bool_()),
        ("face", pa.int32()),
        ("box", pa.list_(pa.int32())),
        ("roll", pa.float64()),
        ("score", pa.float64()),
        ("points", _FLOATS),
        ("confidence", _FLOATS),
        ("visible", _FLOATS),
        ("depth", _FLOATS),
        ("pose", pa.struct([(name, pa.float64()) for name in Pose._fields])),
        ("min_face", pa.int32()),
        ("detections_skipped", pa.int32()),
        pa.field("model", pa.string(), nullable=False),
        ("error", pa.string()),
    ]
)
# Rows that are in memory together: 1.7 kB each.
GROUP_ROWS = 2_000
COUNTS = b"fkd.counts"


class PartWriter:
    """Writes rows into a Parquet file, with their counts in its footer; in groups, so that memory
    does not grow with the file."""

    def __init__(self, path: Path) -> None:
        self.counts = Counts()
        self._rows: list[FaceRow] = []
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")

    def add(self, rows: Iterable[FaceRow], counts: Counts) -> None:
        """The rows of one photo."""
        self._rows += rows
        self.counts = add(self.counts, counts)
        if len(self._rows) >= GROUP_ROWS:
            self._write_group()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._write_group()
            self._writer.add_key_value_metadata({COUNTS: json.dumps(self.counts)})
        self._writer.close()

    def _write_group(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else ([] for _ in SCHEMA)
        arrays = [
            pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)
        ]
        self._writer.write_table(pa.table(arrays, schema=SCHEMA))
        self._rows = []


def counts_in(place: str) -> Counts | None:
    """What a part's footer says that it holds; None where it is none or not whole."""
    try:
        filesystem, path = files.opened(place)
        metadata = pq.read_metadata(path, filesystem=filesystem).metadata or {}
        return Counts(*json.loads(metadata[COUNTS]))
    except (OSError, pa.ArrowInvalid, KeyError):
        return None
