"""Changes to what is in an archive, such as torch's files, with its checksums made right again."""

import io
import zipfile
from random import Random

from fuzz.mutate import mutate_bytes, mutate_chunks

ZIP_START = b"PK\x03\x04"


def mutate_zip(data: bytes, random: Random) -> bytes:
    """An uncompressed archive, as torch writes them, with one of its members changed."""
    if not data.startswith(ZIP_START) or random.random() < 0.1:
        return mutate_bytes(data, random)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(name.encode(), archive.read(name)) for name in archive.namelist()]
    except Exception:  # zipfile fails in many ways on a damaged archive
        return mutate_bytes(data, random)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in mutate_chunks(members, random):
            archive.writestr(name.decode(errors="replace"), content)
    return out.getvalue()
