"""Writing videos: H.264 with the sound of another video where PyAV is installed, else MPEG-4 part 2
by OpenCV, without sound and with a constant frame rate."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import cv2

from fkd.geometry import Image
from fkd.inference.video import VideoError, check_name
from fkd.io.files import whole_file

SUFFIX = ".mp4"


class Encoder(Protocol):
    """What makes a file of frames. sound_fault: why the sound is not whole, where it is not."""

    @property
    def sound_fault(self) -> str: ...

    def encode(self, image: Image, seconds: float) -> None:
        """Add a frame, uint8 (H, W, 3) BGR, shown from `seconds` on."""

    def close(self, whole: bool) -> None:
        """Write what is still in memory. whole: all of the sound, not just until the last frame."""


class VideoWriter:
    """Frames that become a video; `write_video` makes one."""

    def __init__(self, path: Path, encoder: Encoder, size: tuple[int, int]) -> None:
        self.path, self.size, self.frames, self._encoder = path, size, 0, encoder

    def write(self, image: Image, seconds: float) -> None:
        """Add a frame, uint8 (H, W, 3) BGR; seconds: from the video's start, later than the frame
        before. Raises VideoError when it has not the video's size or cannot be written."""
        if image.shape[1::-1] != self.size:
            width, height = image.shape[1::-1]
            raise VideoError(
                f"{self.path}: frame {self.frames} is {width}x{height}, "
                f"not {self.size[0]}x{self.size[1]}"
            )
        self._encoder.encode(image, seconds)
        self.frames += 1

    @property
    def sound_fault(self) -> str:
        """Why the sound is not whole, where it is not."""
        return self._encoder.sound_fault


def check_output(path: Path) -> None:
    """Raises VideoError when no video can have this path: no UTF-8, another suffix, a folder."""
    check_name(str(path))
    if path.suffix.lower() != SUFFIX:
        raise VideoError(f"{path}: the video's name must end in {SUFFIX}")
    if os.path.isdir(path):
        raise VideoError(f"{path}: is a folder")


def writes_h264() -> bool:
    """Whether PyAV is installed, the extra `video`."""
    return find_spec("av") is not None


@contextmanager
def write_video(
    path: Path, rate: float, size: tuple[int, int], sound_of: str | None = None
) -> Iterator[VideoWriter]:
    """Writes an .mp4, which is there when the block ends or is interrupted: what was written until
    then is a whole video. Another error leaves nothing.

    rate: frames a second. size: (width, height). sound_of: a video's file whose sound is copied.
    Raises VideoError when the video cannot be written there, or was not written whole, as on a full
    disk; OSError.
    """
    check_output(path)
    interrupt: KeyboardInterrupt | None = None
    with whole_file(path) as partial:
        encoder = _encoder(path, partial, rate, size, sound_of)
        writer = VideoWriter(path, encoder, size)
        try:
            yield writer
        except KeyboardInterrupt as error:
            interrupt = error
        finally:
            encoder.close(whole=interrupt is None)
        if not writer.frames:
            raise interrupt or VideoError(f"{path}: no frame was written")
        if _frames_in(partial) != writer.frames:
            raise VideoError(f"{path}: could not be written whole; is the disk full?")
    if interrupt:
        raise interrupt


def _encoder(
    path: Path, partial: Path, rate: float, size: tuple[int, int], sound_of: str | None
) -> Encoder:
    if not writes_h264():
        return _OpenCV(path, partial, rate, size)
    from fkd.inference.h264 import H264

    return H264(path, partial, rate, size, sound_of)


class _OpenCV:
    """An encoder that knows no timestamps and no sound."""

    sound_fault = ""

    def __init__(self, path: Path, partial: Path, rate: float, size: tuple[int, int]) -> None:
        codec = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(partial), codec, rate, size)
        if not self._writer.isOpened():
            raise VideoError(f"{path}: this OpenCV cannot write videos of {size[0]}x{size[1]}")

    def encode(self, image: Image, seconds: float) -> None:
        self._writer.write(image)

    def close(self, whole: bool) -> None:
        self._writer.release()


def _frames_in(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    try:
        return round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()
