"""H.264 in .mp4, with timestamps and sound, by PyAV: the extra `video`."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace

from fkd.geometry import Image
from fkd.inference.sound import Sound
from fkd.inference.video import VideoError

# The clock of the timestamps, hertz: a frame of 23.976, 24, 25, 29.97, 30, 50, 59.94 or 60 a second
# lasts a whole number of ticks, and so does a tick of most containers (1/1000, 1/90000).
TICKS = 360_000
# Hardly to be told from the input. The next slower preset takes longer for no smaller files; the
# next faster one saves an eighth of the time and doubles the file.
OPTIONS = {"preset": "veryfast", "crf": "20"}
ITU601 = 6  # what ITU-T H.273 calls it


class H264:
    """Frames, each at its time, and the sound of another video's file."""

    def __init__(
        self, path: Path, partial: Path, rate: float, size: tuple[int, int], sound_of: str | None
    ) -> None:
        # The index comes first, so that a browser plays while it loads.
        options = {"movflags": "+faststart"}
        self.path, self._last = path, -1
        self._output = av.open(str(partial), "w", format="mp4", options=options)
        frame_rate = Fraction(rate).limit_denominator(1001)
        stream = self._output.add_stream("libx264", rate=frame_rate, options=OPTIONS)
        # The one format that all browsers play, which has an even number of rows and columns.
        stream.width, stream.height = size[0] + size[0] % 2, size[1] + size[1] % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.colorspace = ITU601
        self._stream, self._frame_ticks = stream, max(1, round(TICKS / rate))
        with self._naming():
            self._sound = Sound(sound_of, self._output) if sound_of else None

    @property
    def sound_fault(self) -> str:
        """Why the sound is not whole, where it is not."""
        return self._sound.fault if self._sound else ""

    def encode(self, image: Image, seconds: float) -> None:
        """Add a frame, uint8 (H, W, 3) BGR, shown from `seconds` on, and the sound until then."""
        height, width = image.shape[:2]
        right, below = self._stream.width - width, self._stream.height - height
        if right or below:
            padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
            image = np.asarray(padded, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU601
        )
        self._last = max(round(seconds * TICKS), self._last + 1)
        frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
        frame.duration = self._frame_ticks
        with self._naming():
            self._output.mux(self._stream.encode(frame))
            if self._sound:
                self._sound.copy(until=seconds)

    def close(self, whole: bool) -> None:
        """Write what is still in memory. whole: all of the sound, not just until the last frame."""
        with self._naming():
            try:
                if self._last >= 0:
                    self._output.mux(self._stream.encode())
                if self._sound and whole:
                    self._sound.copy()
            finally:
                if self._sound:
                    self._sound.close()
                self._output.close()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """What FFmpeg cannot do here, as one sentence about the video."""
        try:
            yield
        except av.FFmpegError as error:
            why = (error.strerror or "unknown error").lower()
            raise VideoError(f"{self.path}: could not be written whole ({why})") from None
