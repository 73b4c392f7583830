"""Photo in, faces out: the Python interface."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import cv2
import numpy as np

from fkd.detection.haar import open_haar
from fkd.detection.registry import NO_DETECTOR, open_named
from fkd.geometry import Box, Image
from fkd.geometry.crop import to_grey
from fkd.geometry.image import checked_image
from fkd.geometry.roll import Frame
from fkd.inference.face import Face
from fkd.inference.pipeline import Pipeline
from fkd.inference.timing import StepTimer
from fkd.io.images import read_image
from fkd.models.registered import exact_version, is_registered
from fkd.models.session import BACKENDS, open_model
from fkd.models.zoo import find_model

# The environment variable that names the detector where none is chosen.
DETECTOR_VARIABLE = "FKD_DETECTOR"
STEPS = ("detect", "crop", "points")
# Photos of a list that are in memory together, as grey pictures.
PHOTOS_AT_ONCE = 16

Photo = str | Path | Image


class LicenceWarning(UserWarning):
    """The weights of a model that was opened have another licence than the code."""


@dataclass(frozen=True)
class Analysis:
    """faces: of a photo. milliseconds: of each step, by "detect", "crop", "points".
    detections_skipped: how many of the detector's boxes, those with the fewest neighbours, were not
    examined because a photo has more than `MAX_DETECTIONS` (`fkd.inference.pipeline`). min_face:
    the smallest side of a face box that was searched for, photo pixels; None when nothing was
    searched for, as boxes were given or the detector is "none"."""

    faces: list[Face]
    milliseconds: dict[str, float]
    detections_skipped: int = 0
    min_face: int | None = None


class Predictor:
    """Finds faces and their 68 points. One may be called from several threads at once.

    model: a packaged model's name, the path of an .onnx file (or .pt for the torch backend), or a
    version of an MLflow registry, such as "models:/fkd@champion", whose number `version` says then;
    by default `base`. backend: "onnx" or "torch". detector: "haar", "neural", the .onnx file of
    a detector network, or "none" when each photo is one face that fills it; by default what the
    environment variable FKD_DETECTOR names, else "haar". threads: of network and detector, 0 for
    the libraries' own choice. min_face: smallest face that is searched for, pixels; by default the
    detector's own choice (`fkd.detection.haar`, `fkd.detection.neural`), and where no face is
    found, smaller ones, as far as three seconds allow.
    min_score: lowest score of a detected face, 0..1; by default the model's own threshold.
    providers: what onnxruntime runs the model on, in order of preference, such as ["CUDA", "CPU"]
    or ["CoreML"]; by default the processor.
    Raises ModelError when the model cannot be used, ValueError for an unknown choice. Warns
    (LicenceWarning) when the licence of the weights is not that of the code.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        backend: str = "onnx",
        detector: str | None = None,
        threads: int = 0,
        min_face: int | None = None,
        min_score: float | None = None,
        providers: Sequence[str] | None = None,
    ) -> None:
        if backend not in BACKENDS:
            raise ValueError(f"backend {backend!r} is not one of {', '.join(BACKENDS)}")
        source, detector = ("detector", detector) if detector else default_detector()
        if threads:
            cv2.setNumThreads(threads)
        if isinstance(providers, str):
            raise ValueError(f"providers: a list of names expected, such as [{providers!r}]")
        self.version = exact_version(str(model)) if is_registered(model) else None
        file = find_model(self.version or model)
        opened, self.info = open_model(file, backend, threads, providers)
        if self.info.licence_notice:
            warnings.warn(f"{model}: {self.info.licence_notice}", LicenceWarning, stacklevel=2)
        self.detector = detector
        self.min_face = _checked_min_face(min_face)
        self.min_score = self.info.min_score if min_score is None else min_score
        self.pipeline = Pipeline(
            model=opened,
            crop=self.info.crop,
            detector=(
                open_haar(threads)  # never asked
                if detector == NO_DETECTOR
                else open_named(detector, threads, source)
            ),
            min_score=self.min_score,
        )

    def __repr__(self) -> str:
        return f"Predictor({self.info.network}, detector={self.detector!r})"

    @overload
    def __call__(
        self, image: Photo, boxes: Sequence[Box] | None = None, *, min_face: int | None = None
    ) -> list[Face]: ...

    @overload
    def __call__(
        self,
        image: list[str] | list[Path] | list[Image] | list[Photo],
        boxes: None = None,
        *,
        min_face: int | None = None,
    ) -> list[list[Face]]: ...

    def __call__(
        self,
        image: Photo | list[str] | list[Path] | list[Image] | list[Photo],
        boxes: Sequence[Box] | None = None,
        *,
        min_face: int | None = None,
    ) -> list[Face] | list[list[Face]]:
        """The faces of a photo, highest score first; or one face for each given box, in their order
        and whatever their score. Of a list of photos, a list of these, found faster than one by
        one.

        image: the path of a file, of whose pictures the first is read; the text of an http or https
        address; or uint8, (H, W) grey or (H, W, 3) BGR. boxes: (x, y, width, height) in photo
        pixels, in the convention of `fkd.geometry.boxes.reference_box`; of one photo, not of a
        list. min_face: as for the predictor, which it overrules. Raises ImageError for a file or an
        address that is no picture, ValueError for another kind of image or an empty box, ModelError
        when the model answers no 68 finite points.
        """
        if not isinstance(image, list):
            return self.analyse(image, boxes, min_face=min_face).faces
        if boxes is not None:
            raise ValueError("boxes: are of one photo, and a list of photos was given")
        found: list[list[Face]] = []
        for first in range(0, len(image), PHOTOS_AT_ONCE):
            chunk = enumerate(image[first : first + PHOTOS_AT_ONCE], first)
            found += self._find_in(
                [checked_grey(photo, f"image {i}") for i, photo in chunk], min_face
            )
        return found

    def analyse(
        self,
        image: Photo,
        boxes: Sequence[Box] | None = None,
        timer: StepTimer | None = None,
        *,
        min_face: int | None = None,
    ) -> Analysis:
        """As calling with one photo, with the time each step took, added to a timer's where one is
        given, and how far was searched."""
        timer, grey = timer or StepTimer(*STEPS), checked_grey(image, "image")
        if boxes is None and self.detector != NO_DETECTOR:
            found = self.pipeline.search(grey, timer, self._min_face(min_face))
            skipped, searched = found.detections_skipped, found.min_face
            return Analysis(found.faces, timer.milliseconds, skipped, searched)
        given = [_whole(grey)] if boxes is None else boxes
        frames = [Frame(_checked_box(box)) for box in given]
        return Analysis(self.pipeline.predict(grey, frames, timer), timer.milliseconds)

    def _find_in(self, greys: list[Image], min_face: int | None) -> list[list[Face]]:
        """The faces of some grey photos, whose crops go through the network together."""
        timer = StepTimer(*STEPS)
        if self.detector == NO_DETECTOR:
            return self.pipeline.predict_all(
                greys, [[Frame(_whole(grey))] for grey in greys], timer
            )
        found = self.pipeline.search_all(greys, timer, self._min_face(min_face))
        return [one.faces for one in found]

    def _min_face(self, of_call: int | None) -> int | None:
        return self.min_face if of_call is None else _checked_min_face(of_call)


def default_detector() -> tuple[str, str]:
    """Where the choice of the detector comes from when none is given, and its name."""
    return DETECTOR_VARIABLE, os.environ.get(DETECTOR_VARIABLE) or "haar"


def _checked_min_face(min_face: int | None) -> int | None:
    if min_face is not None and not (isinstance(min_face, int | np.integer) and min_face > 0):
        raise ValueError(f"min_face: a positive number of pixels expected, not {min_face!r}")
    return min_face


def _checked_box(box: Sequence[float]) -> Box:
    if len(box) != 4:
        raise ValueError(f"boxes: four numbers each expected (x, y, width, height), not {box!r}")
    x, y, width, height = (int(value) for value in box)
    return x, y, width, height


def _whole(grey: Image) -> Box:
    """The box of a whole photo."""
    return 0, 0, grey.shape[1], grey.shape[0]


def checked_grey(image: Photo, name: str) -> Image:
    """A photo, read where it is a path, as grey uint8 (H, W); `name` is for messages. Raises
    ImageError, ValueError."""
    if isinstance(image, str | Path):
        return to_grey(read_image(image))
    if image is not None and not isinstance(image, np.ndarray):
        kind = type(image).__name__
        raise ValueError(
            f"{name}: a path, or uint8 (H, W) or (H, W, 3), or a list of these expected, not {kind}"
        )
    return to_grey(checked_image(image, name))
