"""`make bench`: every figure of the comparison, from one run on this machine."""

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bench import report, robustness
from bench.exchange import BenchError, Box, write_photos
from bench.faces import (
    Faces,
    Labelled,
    Points,
    Score,
    bias_of,
    found_by_all,
    labelled_sets,
    matching,
    nearest_of,
    read_faces,
    score,
)
from bench.programs import Program, Start, median_times, own, peer
from fkd.datasets.params import PrepareParams
from fkd.datasets.sample import BadDataset
from fkd.evaluation.benchmark import OFFICIAL_SUFFIX
from fkd.evaluation.figures import curve_panels, save_figure
from fkd.io.config import ConfigError, load_section
from fkd.io.images import read_image
from fkd.models.zoo import PACKAGED

PHOTO = Path("docs/astronaut.png")
BIAS_FACES, CURVE_FACES = 300, 150
NOTES = {
    "research": "trained on both sets; the official test has people of its training",
    "dlib": "trained on 300-W, these test photos included; not enlarged, so no face below 80 px",
    "mediapipe": "468 points, the nearest 68 used",
}
MESH, CURVES_SET = "mediapipe", "300w"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--peers", type=Path, required=True, help="python with the peers")
    parser.add_argument("--root", type=Path, default=Path("data/real"), help="labelled photos")
    options = parser.parse_args()
    programs = {name: own(name) for name in PACKAGED}
    programs |= {name: peer(name, options.peers) for name in ("dlib", MESH)}
    sets = read_sets(options.root)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        times, starts = measure_speed(programs, folder / "photo")
        report.keep(milliseconds=times, start={n: asdict(start) for n, start in starts.items()})
        report.tell("speed, a 512x512 photo of one face", report.speed(times, starts))
        scores, others = measure_accuracy(programs, sets, folder)
        by_set = {p: {s: asdict(of) for s, of in found.items()} for p, found in scores.items()}
        report.keep(accuracy=by_set, other_answers=others)
        report.tell(
            "accuracy: NME % (with the bias taken out), found", report.accuracy(scores, NOTES)
        )
        report.tell(
            "answers that are not the labelled face: others in the picture, and false", str(others)
        )
        curves = measure_robustness(programs, sets[CURVES_SET], options.peers, folder / "curves")
        levels = robustness.LEVELS
        report.keep(
            robustness={axis: {"levels": levels[axis], **of} for axis, of in curves.items()}
        )
    print(f"all figures: {report.REPORT / 'bench.json'}, {report.REPORT / 'robustness.png'}")


def read_sets(root: Path) -> dict[str, Faces]:
    """The test sets that have training faces of the same set beside them. Raises BenchError."""
    prepare = load_section(PrepareParams, Path("params.yaml"), "prepare")
    samples = labelled_sets(root, prepare)
    sets = {
        name: Faces(
            read_faces(samples[name], 0, prepare.min_face),
            read_faces(samples[training(name)], BIAS_FACES, prepare.min_face),
        )
        for name in samples
        if not name.endswith("/train") and training(name) in samples
    }
    if CURVES_SET not in sets:
        raise BenchError(f"{root}: no set {CURVES_SET!r} with test and training faces")
    return sets


def measure_speed(
    programs: dict[str, Program], folder: Path
) -> tuple[dict[str, dict[int, dict[str, float]]], dict[str, Start]]:
    """Milliseconds by program, cores and step; start, memory and file size."""
    write_photos(folder, [read_image(PHOTO)])
    times = median_times(programs, folder, (1, 2))
    return times, {name: program.cold_start(folder) for name, program in programs.items()}


def measure_accuracy(
    programs: dict[str, Program], sets: dict[str, Faces], folder: Path
) -> tuple[dict[str, dict[str, Score]], dict[str, int]]:
    """Scores by program and set, and how many other answers each program gave.

    Biases, and which vertices of the mesh are used, come from the training faces.
    """
    scores: dict[str, dict[str, Score]] = {name: {} for name in programs}
    others = dict.fromkeys(programs, 0)
    for test_set, of in sets.items():
        truth, learned = ([face.points for face in faces] for faces in (of.test, of.train))
        biases, found = {}, {}
        for name, program in programs.items():
            seen = look(program, of.train, folder / f"{test_set}-train")
            answers = look(program, of.test, folder / test_set)
            if name == MESH:
                vertices = nearest_of(own_faces(seen, learned), learned)
                seen, answers = ([f[:, vertices] for f in faces] for faces in (seen, answers))
            biases[name] = bias_of(own_faces(seen, learned), learned)
            found[name] = own_faces(answers, truth)
            others[name] += sum(map(len, answers)) - sum(f is not None for f in found[name])
        compared = found_by_all(list(found.values()))
        for name in programs:
            scores[name][test_set] = score(found[name], truth, biases[name], compared)
    return scores, others


def training(test_set: str) -> str:
    """The training faces of a test set's data set."""
    return f"{test_set.removesuffix(OFFICIAL_SUFFIX)}/train"


def look(program: Program, faces: list[Labelled], folder: Path) -> list[Points]:
    """What a program finds in each photo (K, P, 2), looking for faces itself."""
    if not folder.exists():
        write_photos(folder, (face.image for face in faces))
    return program.answer(folder)


def own_faces(found: list[Points], truth: list[Points]) -> list[Points | None]:
    """The answer of each photo that is its labelled face's."""
    return [matching(points, true) for points, true in zip(found, truth, strict=True)]


def measure_robustness(
    programs: dict[str, Program], of: Faces, peers: Path, folder: Path
) -> dict[str, dict[str, list[float]]]:
    """Curves on test photos, in boxes of each program's own detector on clean ones."""
    faces = of.test[:: max(1, len(of.test) // CURVE_FACES)][:CURVE_FACES]
    write_photos(folder, (face.image for face in faces))
    detectors = {"ours": own("boxes"), "dlib": peer("dlib-boxes", peers)}
    boxes = {
        name: [
            nearest_box(found, face) for found, face in zip(d.answer(folder), faces, strict=True)
        ]
        for name, d in detectors.items()
    }
    found = [row for row in zip(faces, *boxes.values(), strict=True) if None not in row]
    shown = [face for face, *_ in found]
    by_detector = {name: [row[i] for row in found] for i, name in enumerate(boxes, start=1)}
    compared = {name: p for name, p in programs.items() if name != MESH}
    placed = {name: by_detector.get(name, by_detector["ours"]) for name in compared}
    result = robustness.curves(shown, placed, compared, folder)
    panels = {axis: robustness.as_lines(axis, lines) for axis, lines in result.items()}
    title = f"{len(shown)} photos of 300-W common; dlib was trained on them"
    save_figure(curve_panels(panels, "NME %", 20.0, title), report.REPORT / "robustness.png")
    return result


def nearest_box(found: Points, face: Labelled) -> Box | None:
    """A detector's box (x, y, width, height) for a face, from boxes (K, 2, 2), or None."""
    corners = [np.array([box[0], box[0] + box[1]]) for box in found]
    best = matching(np.array(corners), face.points)
    if best is None:
        return None
    (x, y), (right, below) = best.round().astype(int).tolist()
    return x, y, right - x, below - y


if __name__ == "__main__":
    try:
        main()
    except (BadDataset, BenchError, ConfigError) as error:
        sys.exit(f"bench: {error}")
