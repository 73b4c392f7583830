"""Reading videos frame by frame, from files and cameras, and writing them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from fkd.geometry import Image
from fkd.io.files import reason

SUFFIX = ".mp4"
DEFAULT_RATE = 30.0  # where a file or camera does not say


class VideoError(ValueError):
    """A video that cannot be used; the message is one sentence that names it."""


@dataclass(frozen=True)
class Video:
    """An opened video. rate: frames a second. size: (width, height). frames: how many the file says
    it has, None for a camera or where it does not say.
    """

    label: str
    rate: float
    size: tuple[int, int]
    frames: int | None
    capture: cv2.VideoCapture

    def __iter__(self) -> Iterator[Image]:
        """The frames that can be read, uint8 (H, W, 3) BGR; then the video is closed."""
        try:
            while True:
                known, frame = self.capture.read()
                if not known:
                    return
                yield np.asarray(frame, np.uint8)
        finally:
            self.capture.release()


def open_video(source: str) -> Video:
    """A video's file, or the camera of an index such as "0". Raises VideoError."""
    # Broken files make FFmpeg talk; what is wrong with them is said in one sentence instead.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    camera = source.isdecimal() and not os.path.exists(source)
    if not camera:
        _check_file(source)
    label = f"camera {source}" if camera else source
    if camera and len(source) > 4:
        raise VideoError(f"{label}: cameras have small numbers")
    capture = cv2.VideoCapture(int(source)) if camera else cv2.VideoCapture(source)
    width, height = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
    size = (round(capture.get(width)), round(capture.get(height)))
    if not capture.isOpened() or min(size) < 1:
        fault = "cannot be opened" if camera else "not a video that can be read"
        raise VideoError(f"{label}: {fault}")
    rate = capture.get(cv2.CAP_PROP_FPS)
    count = round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    usable = 1 <= rate <= 1000
    frames = None if camera or count < 1 else count
    return Video(label, rate if usable else DEFAULT_RATE, size, frames, capture)


def _check_file(source: str) -> None:
    if os.path.isdir(source):
        raise VideoError(f"{source}: is a folder, not a video")
    try:
        with open(source, "rb") as file:
            if not file.read(1):
                raise VideoError(f"{source}: the file is empty")
    except OSError as error:
        raise VideoError(f"{source}: {reason(error)}") from None


class VideoWriter:
    """Writes an .mp4 under another name and gives it its own when all is in it, or when the caller
    is interrupted: what was drawn until then is a whole video. Another error leaves nothing.
    """

    def __init__(self, path: Path, rate: float, size: tuple[int, int]) -> None:
        """Raises VideoError when the video cannot be written there."""
        if path.suffix.lower() != SUFFIX:
            raise VideoError(f"{path}: the video's name must end in {SUFFIX}")
        if path.is_dir():
            raise VideoError(f"{path}: is a folder")
        self.path = path
        self._partial = path.with_name(f".{path.stem}.partial{SUFFIX}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._partial.touch()
        except OSError as error:
            raise VideoError(f"{path}: {reason(error)}") from None
        codec = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(self._partial), codec, rate, size)
        self.size, self.frames = size, 0
        if not self._writer.isOpened():
            self._partial.unlink()
            raise VideoError(f"{path}: this OpenCV cannot write videos of {size[0]}x{size[1]}")

    def write(self, frame: Image) -> None:
        """Add a frame, uint8 (H, W, 3) BGR. Raises VideoError when it has not the video's size."""
        if frame.shape[1::-1] != self.size:
            width, height = frame.shape[1::-1]
            raise VideoError(
                f"{self.path}: frame {self.frames} is {width}x{height}, "
                f"not {self.size[0]}x{self.size[1]}"
            )
        self._writer.write(frame)
        self.frames += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raises VideoError when what was written is not a video of all the frames: a full disk
        goes unnoticed until then."""
        self._writer.release()
        try:
            if self.frames and (kind is None or kind is KeyboardInterrupt):
                if _frames_in(self._partial) != self.frames:
                    raise VideoError(f"{self.path}: could not be written whole; is the disk full?")
                self._partial.replace(self.path)
        finally:
            self._partial.unlink(missing_ok=True)


def _frames_in(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    try:
        return round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()
