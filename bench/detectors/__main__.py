"""`make bench-detectors`: recall, average precision and milliseconds of face detectors, from one
run on this machine."""

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench import report
from bench.detectors.peers import PEERS
from bench.detectors.score import Figures, figures
from bench.detectors.sets import PictureSet, picture_sets
from bench.exchange import BenchError, write_photos
from bench.programs import Program, median_times
from fkd.datasets.sample import BadDataset
from fkd.io.images import ImageError, read_image

PHOTO = Path("docs/astronaut.png")
OURS = ("haar+base", "neural+base", "neural")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-detectors")
    parser.add_argument("--peers", type=Path, required=True, help="python with the peers")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--turned", default="", help="set whose pictures are turned too")
    parser.add_argument("--yunet", default="", help="YuNet's .onnx file")
    options = parser.parse_args()
    programs = programs_of(options.peers, options.yunet)
    sets = picture_sets(options.pictures, options.turned)
    with tempfile.TemporaryDirectory() as place:
        times = measure_speed(programs, Path(place))
    scores: dict[str, dict[str, Figures]] = {name: {} for name in programs}
    for name, of in sets.items():
        print(f"scoring on {name}", flush=True)
        for program, told in measure_set(programs, of).items():
            scores[program][name] = told
    stored = {p: {s: asdict(told) for s, told in of.items()} for p, of in scores.items()}
    report.keep(detectors={"milliseconds": times, "accuracy": stored})
    title = "ms of a 512x512 photo on one core; recall % at 0.01 / 0.05 false boxes a picture, AP %"
    report.tell(title, report.detectors(times, scores))


def programs_of(peers: Path, yunet: str) -> dict[str, Program]:
    """The detectors by name. yunet: its file, "" to leave it out."""
    names = {name: name for name in PEERS}
    if yunet:
        names["yunet"] = yunet
    else:
        print("yunet is left out: its file is not given")
    programs = {name: Program(Path(sys.executable), "bench.detectors.ours", name) for name in OURS}
    return programs | {
        name: Program(peers, "bench.detectors.peers", told) for name, told in names.items()
    }


def measure_speed(programs: dict[str, Program], folder: Path) -> dict[str, dict[str, float]]:
    """Milliseconds by program and step, one core."""
    write_photos(folder, [read_image(PHOTO)])
    times = median_times(programs, folder, [1])
    return {name: of[1] for name, of in times.items()}


def measure_set(programs: dict[str, Program], of: PictureSet) -> dict[str, Figures]:
    """Figures by program."""
    pictures = list(of.pictures())
    faces = [picture.faces for picture in pictures]
    with tempfile.TemporaryDirectory() as place:
        write_photos(Path(place), (picture.image for picture in pictures))
        found = {name: program.answer(Path(place)) for name, program in programs.items()}
    return {name: figures(rows, faces) for name, rows in found.items()}


if __name__ == "__main__":
    try:
        main()
    except (BadDataset, BenchError, ImageError) as error:
        sys.exit(f"bench: {error}")
