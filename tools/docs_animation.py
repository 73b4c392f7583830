"""README's moving picture: `python -m tools.docs_animation` writes docs/tracking.webp.

The astronaut's photo sways, turns and comes nearer; what is drawn on it is what `Tracker` finds.
"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from fkd import Predictor, Tracker
from fkd.geometry import Image
from fkd.inference.overlay import overlay
from fkd.io.images import read_image

PHOTO, PICTURE = Path("docs/astronaut.png"), Path("docs/tracking.webp")
FRAMES, RATE, SIDE = 60, 15, 320
FACE = (224, 125)  # its middle in the photo


def frames(photo: Image) -> list[Image]:
    """One period of the motion, uint8 (SIDE, SIDE, 3) BGR each."""
    made = []
    for phase in np.linspace(0, 2 * np.pi, FRAMES, endpoint=False):
        zoom = 1.25 + 0.3 * np.sin(phase)
        matrix = cv2.getRotationMatrix2D(FACE, 14 * np.sin(phase + 1), zoom)
        sway = 40 * np.sin(2 * phase), 18 * np.cos(phase)
        matrix[:, 2] += np.array([SIDE / 2, SIDE / 2]) - FACE + sway
        frame = cv2.warpAffine(photo, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        made.append(np.asarray(frame, np.uint8))
    return made


def main() -> None:
    """Track twice through the period, so that the second time begins as it ends."""
    tracker = Tracker(Predictor(), rate=RATE)
    motion = frames(read_image(PHOTO))
    drawn = [
        overlay(frame, tracker(frame), ("box", "contours", "points"))
        for frame in [*motion, *motion]
    ][FRAMES:]
    pictures = [Pillow.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)) for frame in drawn]
    pictures[0].save(
        PICTURE,
        save_all=True,
        append_images=pictures[1:],
        duration=1000 // RATE,
        loop=0,
        quality=70,
        method=6,
    )


if __name__ == "__main__":
    main()
