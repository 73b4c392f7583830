"""What Python answers, for the tests of `web/`: `python -m tools.web_answers FOLDER [PHOTOS]`.

Writes FOLDER/answers.json, the pixels that it speaks of beside it, and each picture as a file that
browsers read. PHOTOS: a folder of more photos, of which at most so many as LIMIT are taken, evenly.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from fkd import Predictor, Tracker, face_chip
from fkd.geometry import Image
from fkd.geometry.crop import CropSpec, crop_face
from fkd.inference.appearance import appearance
from fkd.inference.records import frame_record, photo_record
from fkd.inference.video_output import write_video
from fkd.io.images import read_image, read_picture
from fkd.io.pixels import Picture
from fkd.synthetic.face import render_face
from fkd.synthetic.recipe import load_recipe

PROJECT = Path(__file__).parents[1]
ASTRONAUT = PROJECT / "docs" / "astronaut.png"
RECIPE = PROJECT / "data" / "synthetic" / "recipe.yaml"
MODELS = ("nano", "base")
LIMIT = 60
RENDERED = 6
# Sizes from, sizes to: the detector's shrinking and enlarging, by whole numbers and not.
SIZES = [
    *[((640, 480), (320, 240)), ((512, 512), (320, 320)), ((200, 100), (320, 160))],
    *[((450, 600), (240, 320)), ((960, 600), (320, 200)), ((1000, 700), (320, 224))],
]
# Boxes that are cut from noise of 300x200 pixels, and by how much they are turned, degrees.
CROPS = [((50, 40, 90, 90), 0.0), ((-30, 100, 150, 140), 37.5), ((20, 10, 280, 180), -90.0)]
FRAMES, HIDDEN = 60, range(25, 40)
CAMERA_FRAMES, SWAY = 60, 60  # pixels to each side


def main(folder: Path, photos: Path | None) -> None:
    """Write all answers into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    predictors = {name: Predictor(name, detector="neural") for name in MODELS}
    pictures = [*_own(folder), *_given(folder, photos)]
    _animation(folder)
    _camera(folder)
    answers = {
        "photos": [_photo(folder, file, predictors) for file in pictures],
        "arithmetic": _arithmetic(folder),
        "video": _video(folder, predictors["nano"]),
        "chips": _chips(folder),
    }
    (folder / "answers.json").write_text(json.dumps(answers))


def _own(folder: Path) -> Iterator[Path]:
    """The astronaut in several ways, and synthetic faces."""
    photo = read_image(ASTRONAUT)
    face = photo[20:220, 120:330]
    recipe = load_recipe(RECIPE).model_copy(update={"size": 256, "supersample": 1})
    pictures: dict[str, Image] = {
        "astronaut": photo,
        "astronaut-side": np.rot90(photo),
        "astronaut-down": np.rot90(photo, 2),
        "ten": np.tile(face, (2, 5, 1)),
        "small": np.asarray(cv2.resize(photo, (120, 120), interpolation=cv2.INTER_AREA), np.uint8),
        "wall": np.full((200, 300, 3), 160, np.uint8),
    }
    for i in range(RENDERED):
        pictures[f"rendered-{i}"] = np.asarray(render_face(recipe, i).grey)
    for name, picture in pictures.items():
        file = folder / f"{name}.png"
        cv2.imwrite(str(file), picture)
        yield file
    file = folder / "astronaut.jpg"
    cv2.imwrite(str(file), photo)
    yield file


def _given(folder: Path, photos: Path | None) -> Iterator[Path]:
    if photos is None:
        return
    found = sorted(p for p in photos.rglob("*") if p.suffix.lower() in (".jpg", ".png"))
    step = max(1.0, len(found) / LIMIT)
    for i in range(min(LIMIT, len(found))):
        source = found[int(i * step)]
        file = folder / f"given-{i:02d}-{source.name}"
        shutil.copy(source, file)
        yield file


def _photo(folder: Path, file: Path, predictors: dict[str, Predictor]) -> dict[str, Any]:
    picture = read_picture(file)
    return {
        "file": file.name,
        "pixels": _raw(folder, f"{file.name}.rgba", picture.pixels),
        "answers": {name: _record(file, picture, one, name) for name, one in predictors.items()},
    }


def _record(file: Path, picture: Picture, predictor: Predictor, name: str) -> dict[str, Any]:
    return photo_record(file.name, picture, predictor.analyse(picture.pixels), name, "onnx")


def _raw(folder: Path, name: str, image: Image) -> dict[str, Any]:
    """An image as the bytes of a file: grey, or RGBA of BGR."""
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGBA)
    (folder / name).write_bytes(np.ascontiguousarray(pixels).tobytes())
    return {"file": name, "width": image.shape[1], "height": image.shape[0]}


def _arithmetic(folder: Path) -> dict[str, Any]:
    """What OpenCV makes of noise, where `web/src/opencv` has twins."""
    random = np.random.default_rng(0)

    def noise(width: int, height: int, *channels: int) -> Image:
        return random.integers(0, 256, (height, width, *channels), dtype=np.uint8)

    resized = []
    for i, (size, wanted) in enumerate(SIZES):
        image = noise(*size)
        ways = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}
        if wanted[0] > size[0]:
            del ways["area"]
        for way, flag in ways.items():
            made = np.asarray(cv2.resize(image, wanted, interpolation=flag), np.uint8)
            before = _raw(folder, f"resize-{i}-{way}.from", image)
            resized.append(
                {"way": way, "from": before, "to": _raw(folder, f"resize-{i}-{way}.to", made)}
            )
    colour = noise(300, 200, 3)
    grey = np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), np.uint8)
    crops = []
    for i, (box, angle) in enumerate(CROPS):
        crop = crop_face(grey, box, CropSpec(), angle)
        cut = _raw(folder, f"crop-{i}.to", crop.pixels)
        crops.append(
            {"box": box, "angle": angle, "to": cut, "transform": crop.transform.ravel().tolist()}
        )
    return {
        "resized": resized,
        "colour": _raw(folder, "colour.rgba", colour),
        "grey": _raw(folder, "colour.grey", grey),
        "crops": crops,
        "appearance": [float(value) for value in appearance(grey, CROPS[0][0])],
    }


def _video(folder: Path, predictor: Predictor) -> dict[str, Any]:
    """The astronaut swaying, hidden for half a second and back, and what a tracker answers."""
    photo = cv2.cvtColor(read_image(ASTRONAUT), cv2.COLOR_BGR2GRAY)
    tracker = Tracker(predictor)
    records, files = [], []
    for t in range(FRAMES):
        shift = np.array([[1, 0, -60 + 50 * np.sin(t / 8)], [0, 1, -10 + t / 5]], np.float64)
        frame = np.asarray(cv2.warpAffine(photo, shift, (320, 240)), np.uint8)
        if t in HIDDEN:
            frame[:] = 90
        files.append(_raw(folder, f"frame-{t:02d}.grey", frame))
        faces = tracker(frame)
        records.append(frame_record(t, t / 30, faces, tracker.detections_skipped, tracker.min_face))
    return {"frames": files, "records": records}


def _animation(folder: Path) -> None:
    """The astronaut, then upside down."""
    photo = Pillow.fromarray(read_image(ASTRONAUT)[..., ::-1])
    photo.save(folder / "animation.gif", save_all=True, append_images=[photo.rotate(180)])


def _camera(folder: Path) -> None:
    """The astronaut swaying in 640x480: the raw frames that Chromium takes for a camera's, and a
    video file."""
    photo = read_image(ASTRONAUT)
    head = b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n"
    size = (640, 480)
    with (
        open(folder / "camera.y4m", "wb") as raw,
        write_video(folder / "video.mp4", 30, size) as video,
    ):
        raw.write(head)
        for t in range(CAMERA_FRAMES):
            right = 320 - 2 * 222 + SWAY * np.sin(2 * np.pi * t / CAMERA_FRAMES)
            move = np.array([[2, 0, right], [0, 2, -20]], np.float64)
            frame = cv2.warpAffine(photo, move, size, borderMode=cv2.BORDER_REPLICATE)
            raw.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
            video.write(np.asarray(frame, np.uint8), t / 30)


def _chips(folder: Path) -> list[dict[str, Any]]:
    photo = read_image(ASTRONAUT)
    (face,) = Predictor("nano", detector="neural")(photo)
    chips = []
    for template in ("eyes", "arcface", "dlib"):
        chip = face_chip(photo, face, 112, template=template)
        made = _raw(folder, f"chip-{template}.rgba", chip.pixels)
        chips.append({"template": template, "points": face.points.tolist(), "to": made})
    return chips


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
