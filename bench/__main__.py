"""`make bench`: every figure of the comparison, from one run on this machine."""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from bench import report, robustness
from bench.exchange import Box, Job, write_jobs, write_pictures
from bench.faces import (
    Labelled,
    Points,
    Score,
    habit_of,
    labelled_sets,
    matching,
    nearest_of,
    read_faces,
    score,
)
from bench.programs import BenchError, Program, median_times, own, peer
from fkd.datasets.sample import BadDataset
from fkd.draw import curve_panels, save_figure
from fkd.false_boxes import boxes_in_scene
from fkd.model_info import PACKAGED
from fkd.params import load_params
from fkd.photo import read_photo
from fkd.synthetic.recipe import load_recipe

PHOTO = Path("docs/astronaut.png")
REPORT = Path("reports/bench")
HABIT_FACES, CURVE_FACES, SCENES, ROUNDS = 300, 150, 300, 3
NOTES = {"dlib": "trained on 300-W, these test photos included", "mediapipe": "468 points, 68 used"}
MESH = "mediapipe"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--peers", type=Path, required=True, help="python with the peers")
    parser.add_argument("--root", type=Path, default=Path("data/real"), help="labelled photos")
    options = parser.parse_args()
    programs = {name: own(name) for name in PACKAGED}
    programs |= {name: peer(name, options.peers) for name in ("dlib", MESH)}
    REPORT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        speed = measure_speed(programs, folder / "photo")
        tell("speed", speed["table"])
        scores = measure_accuracy(programs, options.root, folder)
        tell("accuracy", report.accuracy(scores, NOTES))
        false = measure_false(programs, folder / "scenes")
        tell("false faces", f"on {SCENES} drawn scenes without people: {false}\n")
        curves = measure_robustness(programs, options, folder / "curves")
    stored = {
        "speed": speed["numbers"],
        "accuracy": {p: {s: asdict(of) for s, of in sets.items()} for p, sets in scores.items()},
        "false_faces": false,
        "robustness": {
            axis: {"levels": robustness.LEVELS[axis], **c} for axis, c in curves.items()
        },
    }
    (REPORT / "bench.json").write_text(json.dumps(stored, indent=1) + "\n")
    print(f"all figures: {REPORT / 'bench.json'}, {REPORT / 'robustness.png'}")


def tell(title: str, text: str) -> None:
    print(f"\n{title}\n\n{text}", flush=True)


def measure_speed(programs: dict[str, Program], folder: Path) -> dict:
    """Times, start, memory and file sizes, on the astronaut's photo of 512x512."""
    shrunk = cv2.resize(read_photo(PHOTO), (512, 512), interpolation=cv2.INTER_AREA)
    photo = np.asarray(shrunk, np.uint8)
    write_jobs(folder, [Job(name, None) for name in write_pictures(folder, [photo])])
    times = {
        name: {cores: median_times(program, folder, cores, ROUNDS) for cores in (1, 2)}
        for name, program in programs.items()
    }
    starts = {name: program.cold_start(folder) for name, program in programs.items()}
    numbers = {"milliseconds": times, "start": {n: asdict(start) for n, start in starts.items()}}
    return {"table": report.speed(times, starts), "numbers": numbers}


def measure_accuracy(
    programs: dict[str, Program], root: Path, folder: Path
) -> dict[str, dict[str, Score]]:
    """Scores by program and set; habits and the mesh's vertices come from other people."""
    min_face = load_params().prepare.min_face
    sets = labelled_sets(root, load_params().prepare)
    tested = {n: read_faces(s, 0, min_face) for n, s in sets.items() if not n.endswith("/train")}
    others = {n: read_faces(sets[training(n)], HABIT_FACES, min_face) for n in tested}
    scores: dict[str, dict[str, Score]] = {}
    for name, program in programs.items():
        vertices = None
        for test_set, faces in tested.items():
            learned = others[test_set]
            seen = look(program, learned, folder / f"{test_set}-train")
            found = look(program, faces, folder / test_set)
            if name == MESH:
                vertices = vertices or nearest_of(seen, [face.points for face in learned])
                seen, found = (
                    [f if f is None else f[vertices] for f in of] for of in (seen, found)
                )
            habit = habit_of(seen, [face.points for face in learned])
            of_set = score(found, [face.points for face in faces], habit)
            scores.setdefault(name, {})[test_set] = of_set
    return scores


def training(test_set: str) -> str:
    """The training faces of a test set's data set."""
    return f"{test_set.removesuffix('-official')}/train"


def look(program: Program, faces: list[Labelled], folder: Path) -> list[Points | None]:
    """What a program makes of each labelled face, looking for faces itself."""
    if not folder.exists():
        names = write_pictures(folder, (face.image for face in faces))
        write_jobs(folder, [Job(name, None) for name in names])
    found = program.answer(folder)
    return [matching(points, face.points) for points, face in zip(found, faces, strict=True)]


def measure_false(programs: dict[str, Program], folder: Path) -> dict[str, int]:
    """Faces that each program finds in drawn scenes that have none."""
    scene = load_recipe(Path("data/synthetic/recipe.yaml")).scene
    scenes = [boxes_in_scene(scene, np.random.default_rng(i))[0] for i in range(SCENES)]
    names = write_pictures(folder, (np.stack([grey] * 3, axis=-1) for grey in scenes))
    write_jobs(folder, [Job(name, None) for name in names])
    return {n: sum(map(len, program.answer(folder))) for n, program in programs.items()}


def measure_robustness(
    programs: dict[str, Program], options: argparse.Namespace, folder: Path
) -> dict[str, dict[str, list[float]]]:
    """Curves on 300-W's test photos, in boxes of each program's own detector on clean ones."""
    prepare = load_params().prepare
    samples = labelled_sets(options.root, prepare)["300w"]
    faces = read_faces(samples, CURVE_FACES, prepare.min_face)
    names = write_pictures(folder, (face.image for face in faces))
    write_jobs(folder, [Job(name, None) for name in names])
    detectors = {"ours": own("boxes"), "dlib": peer("dlib-boxes", options.peers)}
    boxes = {
        name: [
            nearest_box(found, face) for found, face in zip(d.answer(folder), faces, strict=True)
        ]
        for name, d in detectors.items()
    }
    found_by_all = [of for of in zip(faces, *boxes.values(), strict=True) if None not in of]
    shown = [face for face, *_ in found_by_all]
    by_detector = {name: [of[i] for of in found_by_all] for i, name in enumerate(boxes, start=1)}
    compared = {name: p for name, p in programs.items() if name != MESH}
    placed = {name: by_detector.get(name, by_detector["ours"]) for name in compared}
    result = robustness.curves(shown, placed, compared, folder)
    panels = {axis: robustness.as_lines(axis, of) for axis, of in result.items()}
    title = f"{len(shown)} photos of 300-W common; dlib was trained on them"
    save_figure(curve_panels(panels, "NME %", 20.0, title), REPORT / "robustness.png")
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
    except (BadDataset, BenchError, KeyError) as error:
        sys.exit(f"bench: {error}")
