"""Who is trained on and who is tested: a split by person."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from fkd.datasets.sample import Sample

TEST_PARTS = ("test", "official")
# Of a subset's people, each part gets a fifth at least, where that is not more than this many.
FEWEST = 5


def split(samples: Iterable[Sample], val: float, test: float, seed: int) -> dict[str, list[Sample]]:
    """Samples by part: train, val, test (new people), official (tested, but known people).

    val, test: shares of people. Nobody stands both in train and in val or test. Where the
    official test faces of a subset are of people that its training never shows they are `test`;
    where they are the same people, or there are none, people are held out by a hash of their name
    and the seed, and official test faces of the rest become `official`. Where the hash leaves a
    part of a small subset without people, or with fewer than a fifth of them and than `FEWEST`,
    those with the next places join it.
    """
    parts: dict[str, list[Sample]] = {"train": [], "val": [], "test": [], "official": []}
    samples = list(samples)
    shown = {(s.subset, s.identity) for s in samples if not s.official_test}
    tested = {(s.subset, s.identity) for s in samples if s.official_test}
    apart = {subset for subset, _ in tested} - {subset for subset, _ in tested & shown}
    places = {person: _place(f"{seed}/{person[0]}/{person[1]}") for person in shown | tested}
    cuts = {
        subset: _cuts(
            sorted(places[person] for person in shown if person[0] == subset),
            val,
            0.0 if subset in apart else test,
        )
        for subset in {subset for subset, _ in places}
    }
    for sample in samples:
        place = places[sample.subset, sample.identity]
        test_below, val_below = cuts[sample.subset]
        if (sample.subset in apart and sample.official_test) or place < test_below:
            part = "test"
        elif sample.official_test:
            part = "official"
        else:
            part = "val" if place < val_below else "train"
        parts[part].append(sample)
    return parts


def _cuts(places: Sequence[float], val: float, test: float) -> tuple[float, float]:
    """The places below which people are tested, and below which those left validate.

    places: of a subset's people, sorted. The cuts are `test` and `test + val` where they leave
    every part enough people.
    """
    people, parts = len(places), 3 if test else 2
    least = min(FEWEST, max(1, people // 5)) if people >= parts else 0
    test_below = _cut(places, test, least, people - 2 * least) if test else 0.0
    tested = bisect_left(places, test_below)
    return test_below, _cut(places, test + val, tested + least, people - least)


def _cut(places: Sequence[float], at: float, least: int, most: int) -> float:
    """`at`, moved so that no fewer and no more of the sorted places lie below it."""
    below = bisect_left(places, at)
    allowed = min(max(below, least), most)
    return at if allowed == below else places[allowed]


def _place(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, on every machine."""
    return (
        int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:6], "big")
        / 2**48
    )
