"""Drift: how the faces that are found differ from those that a model was validated on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fkd.inference.face import Face
from fkd.models.histograms import Histogram, chance_index, histogram_of, stability_index

# The index from which on a change is a large one (`stability_index`).
LARGE = 0.25
# A spread that is by so much wider or narrower is what differs, where the median is not.
WIDER = 1.5


class Measure(NamedTuple):
    """A number that each face has. name: for a person. edges: of its histogram. unit: for the end
    of a sentence and of a metric's name. digits: that are shown after the point."""

    name: str
    edges: tuple[float, ...]
    unit: str = ""
    digits: int = 2


ANGLES = (-75.0, -45.0, -30.0, -20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 30.0, 45.0, 75.0)
MEASURES = {
    "score": Measure("Face score", (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99), digits=3),
    "confidence": Measure("Confidence", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
    # `prepare` shrinks larger faces, and no network sees the difference.
    "face_size": Measure(
        "Face size", (16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0, 192.0, 256.0), "pixels", 0
    ),
    "yaw": Measure("Yaw", ANGLES, "degrees", 0),
    "pitch": Measure("Pitch", ANGLES, "degrees", 0),
    "roll": Measure("Roll", ANGLES, "degrees", 0),
}


def measures_of(face: Face) -> dict[str, float]:
    """A face's number for each of MEASURES that it has: its score, without the detector's certainty
    and so the same whichever detector found it; the mean of its points' confidence; the side of its
    reference box, photo pixels; its pose, degrees."""
    values = {"face_size": float(face.reference_box[2])}
    if face.score is not None:
        values["score"] = face.score / face.certainty
    if face.confidence is not None:
        values["confidence"] = float(face.confidence.mean())
    return values | (face.pose._asdict() if face.pose else {})


def histograms_of(
    measured: Sequence[Mapping[str, float]], edges: Mapping[str, Sequence[float]]
) -> dict[str, Histogram]:
    """Histograms of what `measures_of` tells of some faces: for each measure that has edges, and
    that a face has."""
    columns = {name: [of[name] for of in measured if name in of] for name in edges}
    return {name: histogram_of(of, edges[name]) for name, of in columns.items() if of}


@dataclass(frozen=True)
class Drift:
    """A measure of the faces that were found beside that of the validation faces. index: how far
    they are apart (`stability_index`). chance: what that is by chance alone for so few faces
    (`chance_index`)."""

    measure: str
    index: float
    chance: float
    found: Histogram
    validation: Histogram

    @property
    def differs(self) -> bool:
        """Whether the change is large, and no chance."""
        return self.index >= LARGE and self.index > self.chance

    def to_dict(self) -> dict[str, float | bool]:
        """Plain values for JSON."""
        return {
            "index": round(self.index, 4),
            "by_chance": round(self.chance, 4),
            "differs": self.differs,
            "median": round(self.found.quantile(0.5), 4),
            "validation_median": round(self.validation.quantile(0.5), 4),
        }

    def sentence(self) -> str:
        """What differs, with the middle halves of both."""
        of = MEASURES[self.measure]
        unit = of.unit and f" {of.unit}"
        return (
            f"{of.name} {self._change()}: half of the faces lie {_middle(self.found, of.digits)}"
            f"{unit}, of the validation faces {_middle(self.validation, of.digits)}."
        )

    def _change(self) -> str:
        low, median, high = (self.found.quantile(q) for q in (0.25, 0.5, 0.75))
        below, above = (self.validation.quantile(q) for q in (0.25, 0.75))
        if not below <= median <= above:
            return "is lower" if median < below else "is higher"
        if high - low > WIDER * (above - below):
            return "varies more"
        return "varies less" if WIDER * (high - low) < above - below else "is spread differently"


def _middle(histogram: Histogram, digits: int) -> str:
    """Where the middle half lies; nothing is known beyond the outermost edges."""
    low, high = histogram.quantile(0.25), histogram.quantile(0.75)
    first, last = histogram.edges[0], histogram.edges[-1]
    if low >= last:
        return f"above {last:.{digits}f}"
    if high <= first:
        return f"below {first:.{digits}f}"
    lower = f"less than {first:.{digits}f}" if low <= first else f"{low:z.{digits}f}"
    upper = f"more than {last:.{digits}f}" if high >= last else f"{high:z.{digits}f}"
    return f"between {lower} and {upper}"


def drifts_of(
    measured: Sequence[Mapping[str, float]], validation: Mapping[str, Histogram]
) -> list[Drift]:
    """How far some faces (`measures_of`) are from a model's validation faces, for each measure that
    both have."""
    known = {name: one for name, one in validation.items() if name in MEASURES and one.total}
    found = histograms_of(measured, {name: one.edges for name, one in known.items()})
    return [
        Drift(
            name,
            stability_index(found[name], known[name]),
            chance_index(found[name], known[name]),
            found[name],
            known[name],
        )
        for name in MEASURES
        if name in found
    ]


def table(drifts: Iterable[Drift]) -> list[str]:
    """The measures as lines of text, for a person to read."""
    lines = [f"{'':<18}{'index':>8}{'by chance':>11}{'median':>9}{'validation':>12}"]
    for drift in drifts:
        of = MEASURES[drift.measure]
        name = of.name + (of.unit and f", {of.unit}")
        medians = (f"{one.quantile(0.5):z.{of.digits}f}" for one in (drift.found, drift.validation))
        found, validation = medians
        lines.append(
            f"{name:<18}{drift.index:>8.2f}{drift.chance:>11.2f}{found:>9}{validation:>12}"
        )
    return lines


def verdict(drifts: Iterable[Drift]) -> list[str]:
    """What differs, the most first, as sentences; one that nothing does where nothing does."""
    drifts = sorted(drifts, key=lambda drift: drift.index, reverse=True)
    told = [drift.sentence() for drift in drifts if drift.differs]
    if any(LARGE <= drift.index <= drift.chance for drift in drifts):
        told.append("More faces are needed to tell the rest from chance.")
    return told or ["The faces are like the model's validation faces."]
