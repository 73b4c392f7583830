"""Boxes, crops and alignment: arithmetic on arrays, and the frames that everything speaks.

`Image`: uint8, (H, W) grey or (H, W, 3) BGR. `Points`: float32 (..., 68, 2), x then y, pixels of
the photo, pixel centres at integers, 0-based; a name that ends in `_crop` holds pixels of a crop.
`Box`: (x, y, width, height) in whole pixels of the photo. Left and right are the subject's.
"""

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Points = NDArray[np.float32]
Box = tuple[int, int, int, int]
