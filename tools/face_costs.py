"""What a synthetic face costs on its way into a network, in seconds of a core: `python -m
tools.face_costs`. Processor time, which other work on the machine disturbs little."""

import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from fkd.datasets.params import PrepareParams
from fkd.datasets.prepare import Rejected, prepare_face
from fkd.datasets.readers.synthetic import FOLDER, samples
from fkd.datasets.sample import LabelledPhoto, Sample
from fkd.datasets.saving import save_faces
from fkd.datasets.store import LabelledFace, load_faces
from fkd.geometry.crop import crop_face
from fkd.io.config import load_section
from fkd.synthetic.face import render_face
from fkd.synthetic.recipe import load_recipe
from fkd.training.loop.batches import Batch, TrainingFaces, training_batches
from fkd.training.loop.state import TrainingState
from fkd.training.params import TrainParams

COUNT = 320
PARAMS = Path("params.yaml")
R = TypeVar("R")


def main() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    print(f"in memory, of what there is to do: {sample_bytes():.0f} bytes")
    photos = timed("render", render, range(COUNT))
    with TemporaryDirectory() as folder:
        save_faces(timed("detect and cut", prepared, photos), Path(folder))
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        print(f"in a shard: {size / COUNT / 1000:.0f} kB")
        train(Path(folder))


def train(folder: Path) -> None:
    """The costs of showing the faces of a store to the network of params.yaml."""
    params = load_section(TrainParams, PARAMS, "train")
    faces = load_faces(folder)
    shown = np.arange(len(faces))
    places = TrainingFaces(faces, shown, params, 0)
    timed("augment", lambda numbers: [places[number] for number in numbers], range(len(faces)))
    crops = params.crop.spec()
    timed("crop", lambda of: [crop_face(face.grey, face.box, crops) for face in of], list(faces))
    batches = list(training_batches(faces, shown, params, 0))
    state = TrainingState(params, torch.device("cpu"), len(batches))

    def steps(of: Iterable[Batch]) -> list[float]:
        return [state.step(batch, 0.1, params.batch_size) for batch in of]

    timed(f"step of {params.network}", steps, batches, params.batch_size)
    pixels = batches[0].pixels.float()
    with FlopCounterMode(display=False) as counter:
        state.net(pixels)
    weights = sum(weight.numel() for weight in state.net.parameters())
    print(f"forward: {counter.get_total_flops() / len(pixels) / 1e6:.0f} MFLOP, {weights} weights")


def sample_bytes() -> float:
    """The memory of a sample that is to be rendered."""
    tracemalloc.start()
    listed = list(samples(FOLDER, "synthetic"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / len(listed)


def render(numbers: Iterable[int]) -> list[LabelledPhoto]:
    """Faces of the recipe."""
    recipe = load_recipe(FOLDER / "recipe.yaml")
    return [LabelledPhoto(*render_face(recipe, number)) for number in numbers]


def prepared(photos: Iterable[LabelledPhoto]) -> list[LabelledFace]:
    """The usable faces of photos."""
    params = load_section(PrepareParams, PARAMS, "prepare")
    read = (
        Sample(str(number), "synthetic", str(number), False, partial(LabelledPhoto, *photo), True)
        for number, photo in enumerate(photos)
    )
    faces = (prepare_face(sample, params) for sample in read)
    return [face for face in faces if not isinstance(face, Rejected)]


def timed(what: str, work: Callable[[Any], R], of: Sequence[Any], faces: int = 1) -> R:
    """What work makes of things of so many faces each, after a first one that is not counted, for
    what is loaded then; its time is printed."""
    work(of[:1])
    begun = time.process_time()
    made = work(of)
    each = (time.process_time() - begun) / len(of) / faces
    print(f"{what}: {1000 * each:.2f} ms of a core a face", flush=True)
    return made


if __name__ == "__main__":
    main()
