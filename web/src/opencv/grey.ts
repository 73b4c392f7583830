/** Twin of OpenCV's `cvtColor` to grey, to the bit, as `to_grey` in fkd/geometry/crop.py calls it. */

import { channelsOf, type Image } from "../geometry/types.js";

// OpenCV's weights of red, green and blue in 2^-15.
const RED = 9798, GREEN = 19235, BLUE = 3735;

/** A grey image as it is; the grey of an RGBA image, whose opacity is ignored. */
export function toGrey(image: Image): Image {
  if (channelsOf(image) === 1) return image;
  const { data, width, height } = image;
  const grey = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < grey.length; i++, from += 4) {
    grey[i] = (data[from]! * RED + data[from + 1]! * GREEN + data[from + 2]! * BLUE + 16384) >> 15;
  }
  return { data: grey, width, height };
}
