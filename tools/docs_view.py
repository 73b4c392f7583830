"""The picture of the documentation that shows what is visible and how heads are turned:
`python -m tools.docs_view` writes docs/view.png from rendered heads and what is known of them."""

from pathlib import Path

import cv2
import numpy as np

from fkd.geometry import Image
from fkd.geometry.boxes import reference_box
from fkd.inference.face import Face
from fkd.inference.overlay import overlay
from fkd.io.files import write_whole
from fkd.io.images import encode_png
from fkd.synthetic.face import render_face
from fkd.synthetic.recipe import Recipe, load_recipe

RECIPE, PICTURE = Path("data/synthetic/recipe.yaml"), Path("docs/view.png")
# Faces of the recipe: turned, in profile, behind sunglasses, hands and hair.
SHOWN = (106, 107, 109, 119, 114)
SIZE = 2  # times that of the recipe


def main() -> None:
    recipe = load_recipe(RECIPE)
    large = recipe.model_copy(update={"size": SIZE * recipe.size, "supersample": 1})
    write_whole(PICTURE, encode_png(np.hstack([drawn(index, large) for index in SHOWN])))


def drawn(index: int, recipe: Recipe) -> Image:
    """A face with its points, rings for hidden ones, and the axes of its head."""
    grey, points, truth = render_face(recipe, index)
    visible = truth.visible.astype(np.float32)
    face = Face(points, reference_box(points), None, None, visible=visible, pose=truth.pose)
    small = (240, 240)
    picture = overlay(np.asarray(grey), [face], ("points", "axes"))
    return np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
