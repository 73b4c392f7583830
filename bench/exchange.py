"""Pictures to look at and what a program found in them, as files between two environments.

Runs in both, so it needs numpy and OpenCV only.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
# A picture, uint8 (H, W, 3) BGR, and the face's box, or None to look for faces
# -> what is found, a row for each face: points (K, P, 2) in picture pixels, or a detector's (K, 4).
Find = Callable[[NDArray[np.uint8], Box | None], NDArray[np.floating]]

JOBS = "jobs.json"


class BenchError(RuntimeError):
    """Something that a comparison needs and that is not there; the message names it."""


@dataclass(frozen=True)
class Job:
    """A picture's file name in the folder, and the box of its face where it is given."""

    picture: str
    box: Box | None


def write_pictures(folder: Path, pictures: Iterable[NDArray[np.uint8]]) -> list[str]:
    """Store pictures without loss; their file names."""
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for picture in pictures:
        names.append(f"{len(names):05d}.png")
        cv2.imwrite(str(folder / names[-1]), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return names


def write_jobs(folder: Path, jobs: Iterable[Job]) -> None:
    """What is to be done in a folder."""
    (folder / JOBS).write_text(json.dumps([[job.picture, job.box] for job in jobs]))


def write_photos(folder: Path, pictures: Iterable[NDArray[np.uint8]]) -> None:
    """Pictures in which faces are to be looked for."""
    write_jobs(folder, [Job(name, None) for name in write_pictures(folder, pictures)])


def jobs(folder: Path) -> Iterator[tuple[NDArray[np.uint8], Box | None]]:
    """Each picture of a folder and its box, in order."""
    for picture, box in json.loads((folder / JOBS).read_text()):
        image = cv2.imread(str(folder / picture), cv2.IMREAD_COLOR)
        yield np.asarray(image, np.uint8), None if box is None else tuple(box)


def answer(folder: Path, find: Find, output: Path) -> None:
    """Do the jobs of a folder and store how many faces each has, and all their rows."""
    found = [np.asarray(find(image, box), np.float32) for image, box in jobs(folder)]
    np.savez(output, counts=[len(rows) for rows in found], rows=np.concatenate(found))


def answers(output: Path) -> list[NDArray[np.float32]]:
    """The rows of each job's faces."""
    with np.load(output) as stored:
        counts, rows = stored["counts"], stored["rows"]
    return np.split(rows, np.cumsum(counts)[:-1])


def milliseconds(work: Callable[[], Any], seconds: float = 1.5) -> float:
    """The median time of a piece of work, after some turns to warm up."""
    taken: list[float] = []
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends or len(taken) < 20:
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return float(1000 * np.median(taken[len(taken) // 5 :]))


def peak_megabytes() -> float:
    """The most memory that this process has held; Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
