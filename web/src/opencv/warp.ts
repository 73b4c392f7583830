/** Twin of OpenCV's `warpAffine` of bytes with INTER_LINEAR and black outside, to the bit, as
 * fkd/geometry/crop.py calls it. Source of the arithmetic: OpenCV 4.14,
 * modules/imgproc/src/imgwarp.cpp: places in 1/32 of a pixel, from steps in 1/1024. */

import { channelsOf, round, type Affine, type Image } from "../geometry/types.js";

/** The square of `size` pixels whose pixel (x, y) shows what `matrix` takes there. */
export function warpAffine(image: Image, matrix: Affine, size: number): Image {
  const channels = channelsOf(image);
  const { data: old, width, height } = image;
  const [a, b, right, d, e, below] = inverted(matrix);
  const data = new Uint8Array(size * size * channels);
  const stepX = Int32Array.from({ length: size }, (_, x) => round(a * x * 1024));
  const stepY = Int32Array.from({ length: size }, (_, x) => round(d * x * 1024));
  const at = (x: number, y: number, c: number) =>
    x >= 0 && y >= 0 && x < width && y < height ? old[(y * width + x) * channels + c]! : 0;
  let to = 0;
  for (let y = 0; y < size; y++) {
    const startX = round((b * y + right) * 1024) + 16;
    const startY = round((e * y + below) * 1024) + 16;
    for (let x = 0; x < size; x++) {
      const placeX = (startX + stepX[x]!) >> 5, placeY = (startY + stepY[x]!) >> 5;
      const column = placeX >> 5, row = placeY >> 5;
      const partX = placeX & 31, partY = placeY & 31;
      for (let c = 0; c < channels; c++, to++) {
        const upper = at(column, row, c) * (32 - partX) + at(column + 1, row, c) * partX;
        const lower = at(column, row + 1, c) * (32 - partX) + at(column + 1, row + 1, c) * partX;
        data[to] = (upper * (32 - partY) + lower * partY + 512) >> 10;
      }
    }
  }
  return { data, width: size, height: size };
}

/** In the order of OpenCV's operations. */
function inverted([a, b, right, d, e, below]: Affine): Affine {
  const determinant = a * e - b * d;
  const factor = determinant === 0 ? 0 : 1 / determinant;
  const [a1, b1, d1, e1] = [e * factor, b * -factor, d * -factor, a * factor];
  return [a1, b1, -a1 * right - b1 * below, d1, e1, -d1 * right - e1 * below];
}
