"""Who is trained on and who is tested: a split by person."""

import hashlib
from collections.abc import Iterable

from fkd.datasets.sample import Sample

TEST_PARTS = ("test", "official")


def split(samples: Iterable[Sample], val: float, test: float, seed: int) -> dict[str, list[Sample]]:
    """Samples by part: train, val, test (new people), official (tested, but known people).

    val, test: shares of people. Nobody stands both in train and in val or test. Where the
    official test faces of a subset are of people that its training never shows they are `test`;
    where they are the same people, or there are none, people are held out by a hash of their name
    and the seed, and official test faces of the rest become `official`.
    """
    parts: dict[str, list[Sample]] = {"train": [], "val": [], "test": [], "official": []}
    samples = list(samples)
    shown = {(s.subset, s.identity) for s in samples if not s.official_test}
    tested = {(s.subset, s.identity) for s in samples if s.official_test}
    apart = {subset for subset, _ in tested} - {subset for subset, _ in tested & shown}
    for sample in samples:
        place = _place(f"{seed}/{sample.subset}/{sample.identity}")
        held_out = 0.0 if sample.subset in apart else test
        if (sample.subset in apart and sample.official_test) or place < held_out:
            part = "test"
        elif sample.official_test:
            part = "official"
        else:
            part = "val" if place < held_out + val else "train"
        parts[part].append(sample)
    return parts


def _place(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, on every machine."""
    return (
        int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:6], "big")
        / 2**48
    )
