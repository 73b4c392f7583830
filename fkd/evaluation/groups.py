"""Errors of synthetic faces by what is known of them: age, skin, light, and so on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fkd.datasets.store import LabelledFace
from fkd.evaluation.figures import bars, save_figure
from fkd.evaluation.metrics import point_errors
from fkd.ground_truth import GroundTruth
from fkd.io.files import write_whole
from fkd.io.text import csv_table
from fkd.models.output import ModelOutput

ANCESTRIES = ("african", "asian", "caucasian")
# Kinds that are about who somebody is.
PEOPLE = ("age", "sex", "ancestry", "skin")
# A group of fewer faces tells nothing.
LEAST_FACES = 10


@dataclass(frozen=True)
class Group:
    """Some faces of one kind. kind: such as "age"; name: such as "under 20". nme: mean, percent;
    nme_error: its standard error. failure_rate: percent of NME above the threshold. missed: percent
    that the detector did not find. overconfidence: how far the mean confidence of the points lies
    above the share of them that are right, -1..1; None for a model without confidence.
    """

    kind: str
    name: str
    faces: int
    nme: float
    nme_error: float
    failure_rate: float
    missed: float
    overconfidence: float | None


def _between(name: str, edges: Sequence[float], labels: Sequence[str]) -> Callable[..., str]:
    """The label of an attribute's value among ascending edges, one fewer than there are labels."""
    return lambda truth: labels[int(np.searchsorted(edges, truth.attributes[name], side="right"))]


def _expression(truth: GroundTruth) -> str:
    told = truth.attributes
    if told["eyes_closed"] > 0.8:
        return "eyes closed"
    if told["mouth_open"] > 0.25:
        return "mouth open"
    return "smile" if told["smile"] > 0.3 else "other"


def _glasses(truth: GroundTruth) -> str:
    told = truth.attributes
    return "sunglasses" if told["sunglasses"] else "glasses" if told["glasses"] else "none"


def _angle(index: int, edges: Sequence[float], labels: Sequence[str]) -> Callable[..., str]:
    return lambda truth: labels[int(np.searchsorted(edges, abs(truth.pose[index])))]


# How faces of each kind are told apart.
KINDS: dict[str, Callable[[GroundTruth], str]] = {
    "age": _between("age", (20, 40, 60), ("under 20", "20 to 40", "40 to 60", "over 60")),
    "sex": _between("male", (1 / 3, 2 / 3), ("female", "between", "male")),
    "ancestry": lambda truth: max(ANCESTRIES, key=truth.attributes.__getitem__),
    # Thirds of the range, which is even in its logarithm.
    "skin": _between("skin_albedo", (0.23, 0.44), ("dark", "medium", "light")),
    "glasses": _glasses,
    "beard": _between("beard", (0.5,), ("no", "yes")),
    "hat": _between("hat", (0.5,), ("no", "yes")),
    "long hair": _between("long_hair", (0.5,), ("no", "yes")),
    "thing in front": _between("occluder", (0.5,), ("no", "yes")),
    "expression": _expression,
    "yaw": _angle(0, (15, 30, 60), ("under 15", "15 to 30", "30 to 60", "over 60")),
    "pitch": _angle(1, (10, 20), ("under 10", "10 to 20", "over 20")),
    "light": _between("directed_light", (0.45, 0.7), ("soft", "mixed", "directed")),
}


def groups(
    faces: Sequence[LabelledFace],
    output: ModelOutput,
    threshold: float,
    error_threshold: float,
) -> list[Group]:
    """The groups of the faces whose truth is known, with at least LEAST_FACES each; those in
    profile count by their yaw alone.

    output: of each face, points in pixels of its picture. threshold: NME in percent above which a
    face fails. error_threshold: error in percent up to which a point counts as right.
    """
    known = [i for i, face in enumerate(faces) if face.truth]
    if not known:
        return []
    members = [faces[i] for i in known]
    errors = 100 * point_errors(output.points[known], np.stack([face.points for face in members]))
    # Their errors are three times as large, and chance would decide which group has more of them.
    profiles = np.array([face.truth.in_profile for face in members if face.truth])
    confidence = None if output.confidence is None else output.confidence[known]
    found = []
    for kind, tell in KINDS.items():
        names = np.array([tell(face.truth) for face in members if face.truth])
        counted = np.ones(len(names), bool) if kind == "yaw" else ~profiles
        for name in dict.fromkeys(sorted(names)):
            which = np.flatnonzero((names == name) & counted)
            if len(which) < LEAST_FACES:
                continue
            missed = np.mean([members[i].detector_box is None for i in which])
            each = errors[which].mean(axis=1)
            over = None
            if confidence is not None:
                over = float(confidence[which].mean() - (errors[which] <= error_threshold).mean())
            found.append(
                Group(
                    kind,
                    name,
                    len(which),
                    nme=float(each.mean()),
                    nme_error=float(each.std() / np.sqrt(len(which))),
                    failure_rate=float(100 * (each > threshold).mean()),
                    missed=float(100 * missed),
                    overconfidence=over,
                )
            )
    return found


def largest_gap(found: Sequence[Group], kinds: Sequence[str] = PEOPLE) -> str | None:
    """A sentence about the kind, among some, whose groups' NME differ most; None without groups."""
    by_kind = {kind: [group for group in found if group.kind == kind] for kind in kinds}
    ends = {
        kind: (min(of, key=lambda g: g.nme), max(of, key=lambda g: g.nme))
        for kind, of in by_kind.items()
        if of
    }
    if not ends:
        return None
    kind = max(ends, key=lambda kind: ends[kind][1].nme - ends[kind][0].nme)
    best, worst = ends[kind]
    return (
        f"the largest gap is by {kind}: {worst.nme:.2f} % ({worst.name}) against "
        f"{best.nme:.2f} % ({best.name})"
    )


def write_groups(found: Sequence[Group], folder: Path) -> None:
    """The groups as a table and as a picture."""
    rows = [
        [
            group.kind,
            group.name,
            group.faces,
            round(group.nme, 3),
            round(group.nme_error, 3),
            round(group.failure_rate, 2),
            round(group.missed, 2),
            None if group.overconfidence is None else round(group.overconfidence, 4),
        ]
        for group in found
    ]
    header = [*Group.__dataclass_fields__]
    write_whole(folder / "groups.csv", csv_table([header, *rows]))
    panels: dict[str, list[tuple[str, float, float]]] = {}
    for group in found:
        panels.setdefault(group.kind, []).append((group.name, group.nme, group.nme_error))
    figure = bars(panels or {"no synthetic faces": [("", 0.0, 0.0)]}, "NME, %, and standard error")
    save_figure(figure, folder / "groups.png")
