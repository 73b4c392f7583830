"""Reading videos frame by frame, from files and cameras."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from fkd.geometry import Image
from fkd.io.files import reason
from fkd.io.images import is_address

DEFAULT_RATE = 30.0  # where a file or camera does not say


class VideoError(ValueError):
    """A video that cannot be used; the message is one sentence that names it."""


class Frame(NamedTuple):
    """image: uint8 (H, W, 3) BGR. seconds: since the video's first frame."""

    image: Image
    seconds: float


@dataclass(frozen=True)
class Video:
    """An opened video. path: of its file, None for a camera. rate: frames a second, the mean where
    it varies. size: (width, height). frames: how many the file says it has, None for a camera or
    where it does not say.
    """

    label: str
    path: str | None
    rate: float
    size: tuple[int, int]
    frames: int | None
    capture: cv2.VideoCapture

    def __iter__(self) -> Iterator[Frame]:
        """The frames that can be read, each later than the one before; then the video is closed."""
        started, seconds = None, -1 / self.rate
        try:
            while True:
                known, image = self.capture.read()
                if not known:
                    return
                clock = self._clock()
                started = clock if started is None else started
                # Some files have no timestamps, and in joined ones they begin anew.
                told = clock - started
                seconds = told if told > seconds else seconds + 1 / self.rate
                yield Frame(np.asarray(image, np.uint8), seconds)
        finally:
            self.capture.release()

    def ended_early(self, frames: int, seconds: float) -> bool:
        """Whether the last of so many frames, at so many seconds, leaves out more than a second of
        what the file says it has. Some containers know only their length, not their frames."""
        if self.frames is None:
            return False
        return frames < self.frames - self.rate and seconds < self.frames / self.rate - 1

    def _clock(self) -> float:
        """When the frame that was just read was taken, seconds from some point in time."""
        if self.path is None:
            return time.monotonic()
        return float(self.capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000


def open_video(source: str) -> Video:
    """A video's file, or the camera of an index such as "0". Raises VideoError."""
    # Broken files make FFmpeg talk; what is wrong with them is said in one sentence instead.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:  # OpenCV has read it when it was imported
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
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
    path = None if camera else source
    return Video(label, path, rate if usable else DEFAULT_RATE, size, frames, capture)


def check_name(path: str) -> None:
    """Raises VideoError for a name that is no UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:  # OpenCV would crash
        raise VideoError(f"{path}: a video's name must be text in UTF-8") from None


def _check_file(source: str) -> None:
    check_name(source)
    if is_address(source):
        raise VideoError(f"{source}: videos are read from files and cameras, not from addresses")
    if os.path.isdir(source):
        raise VideoError(f"{source}: is a folder, not a video")
    try:
        with open(source, "rb") as file:
            if not file.read(1):
                raise VideoError(f"{source}: the file is empty")
    except OSError as error:
        raise VideoError(f"{source}: {reason(error)}") from None
