"""Reading videos frame by frame, from files and cameras, and writing them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fkd.geometry import Image
from fkd.io.files import reason, whole_file

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


def _check_name(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:  # OpenCV would crash
        raise VideoError(f"{path}: a video's name must be text in UTF-8") from None


def _check_file(source: str) -> None:
    _check_name(source)
    if os.path.isdir(source):
        raise VideoError(f"{source}: is a folder, not a video")
    try:
        with open(source, "rb") as file:
            if not file.read(1):
                raise VideoError(f"{source}: the file is empty")
    except OSError as error:
        raise VideoError(f"{source}: {reason(error)}") from None


class VideoWriter:
    """Frames that become a video; `write_video` makes one."""

    def __init__(self, path: Path, partial: Path, rate: float, size: tuple[int, int]) -> None:
        codec = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(partial), codec, rate, size)
        self.path, self.size, self.frames = path, size, 0
        if not self._writer.isOpened():
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

    def release(self) -> None:
        """Write what is still in memory, and close the file."""
        self._writer.release()


def check_output(path: Path) -> None:
    """Raises VideoError when no video can have this path: no UTF-8, another suffix, a folder."""
    _check_name(str(path))
    if path.suffix.lower() != SUFFIX:
        raise VideoError(f"{path}: the video's name must end in {SUFFIX}")
    if os.path.isdir(path):
        raise VideoError(f"{path}: is a folder")


@contextmanager
def write_video(path: Path, rate: float, size: tuple[int, int]) -> Iterator[VideoWriter]:
    """Writes an .mp4, which is there when the block ends or is interrupted: what was written until
    then is a whole video. Another error leaves nothing.

    rate: frames a second. size: (width, height). Raises VideoError when the video cannot be written
    there, or was not written whole, as on a full disk, which goes unnoticed until the end; OSError.
    """
    check_output(path)
    interrupt: KeyboardInterrupt | None = None
    with whole_file(path) as partial:
        writer = VideoWriter(path, partial, rate, size)
        try:
            yield writer
        except KeyboardInterrupt as error:
            interrupt = error
        finally:
            writer.release()
        if not writer.frames:
            raise interrupt or VideoError(f"{path}: no frame was written")
        if _frames_in(partial) != writer.frames:
            raise VideoError(f"{path}: could not be written whole; is the disk full?")
    if interrupt:
        raise interrupt


def _frames_in(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    try:
        return round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()
