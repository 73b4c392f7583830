"""Grey pictures out of the files of a package, and plain views out of a panorama."""

import base64
import os
import re
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Image

LONGEST_SIDE = 1024
# Of each panorama: yaw and pitch of a view, and how wide it is, degrees.
VIEWS = [(45 * i, 20 * (-1) ** i, 90) for i in range(8)] + [(45 * i + 22, 0, 60) for i in range(8)]
BRIGHT = 95  # this percentile of a panorama's light becomes white
GAMMA = 2.2


def pictures(path: str, content: bytes) -> Iterator[Image]:
    """The grey pictures of a file: one, or views of a panorama where it is one.

    A panorama is an EXR file, or a JavaScript module that holds one.

    Raises:
        ValueError: the content is no picture.
    """
    if path.endswith((".exr", ".exr.js")):
        light = _decode(path, _embedded(content) if path.endswith(".js") else content)
        panorama = _exposed(light)
        yield from (view(panorama, *angles) for angles in VIEWS)
    else:
        yield _shrunk(_grey(_decode(path, content)))


def view(panorama: Image, yaw: float, pitch: float, width: float) -> Image:
    """What a camera sees in an equirectangular panorama: a square of 3/4 of its height.

    yaw, pitch: degrees, right and down of the panorama's middle. width: of the view, degrees.
    """
    height, length = panorama.shape
    side = height * 3 // 4
    reach = np.tan(np.radians(width) / 2)
    steps = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(reach * steps, reach * steps)
    cos, sin = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    down, ahead = y * cos + sin, cos - y * sin
    longitude = np.arctan2(x, ahead) + np.radians(yaw)
    latitude = np.arctan2(down, np.hypot(x, ahead))
    column = (longitude / (2 * np.pi) + 0.5) % 1 * length - 0.5
    row = (latitude / np.pi + 0.5) * height - 0.5
    places = (column.astype(np.float32), row.astype(np.float32))
    return np.asarray(cv2.remap(panorama, *places, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP))


def _embedded(module: bytes) -> bytes:
    found = re.search(rb"base64,([A-Za-z0-9+/=]+)", module)
    return base64.b64decode(found[1]) if found else b""


def _decode(path: str, content: bytes) -> NDArray:
    os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"  # OpenCV reads no EXR file otherwise
    image = (
        cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) if content else None
    )
    if image is None:
        raise ValueError(f"'{path}' holds no picture.")
    return image


def _exposed(light: NDArray) -> Image:
    """Linear light as a grey picture."""
    # Around lamps and the sun lossy files swing below nothing; it is bright there.
    grey = cv2.cvtColor(np.abs(light[..., :3], dtype=np.float32), cv2.COLOR_BGR2GRAY)
    bright = np.clip(grey / np.percentile(grey, BRIGHT), 0, 1)
    return np.asarray(np.round(255 * bright ** (1 / GAMMA)), np.uint8)


def _grey(image: NDArray) -> Image:
    """A picture before white where it is transparent."""
    if image.ndim == 2:
        return image
    grey = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_BGR2GRAY)
    if image.shape[2] == 3:
        return np.asarray(grey)
    alpha = image[..., 3] / 255
    return np.asarray(np.round(grey * alpha + 255 * (1 - alpha)), np.uint8)


def _shrunk(image: Image) -> Image:
    scale = LONGEST_SIDE / max(image.shape)
    if scale >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
