/** From a photo and a box to the crop that the network sees, and back. Twin of
 * fkd/geometry/crop.py: the same bytes. */

import { resizeArea } from "../opencv/resize.js";
import { warpAffine } from "../opencv/warp.js";
import { channelsOf, type Affine, type Box, type Image, type Point } from "./types.js";

/** How a face box becomes the network's input. size: side of the square crop, pixels. scale: side
 * of the square that is cut over the box's longer side. shift_y: how far the square's centre lies
 * below the box's, in box sides. */
export interface CropSpec {
  readonly size: number;
  readonly scale: number;
  readonly shift_y: number;
}

/** pixels: a square. transform: photo pixels to crop pixels. */
export interface Crop {
  readonly pixels: Image;
  readonly transform: Affine;
}

/** Cut the face in `box` out of a grey photo; what lies outside the photo is black. angle: degrees
 * that the face is turned counter-clockwise in the crop. Throws for an empty box. */
export function cropFace(grey: Image, box: Box, spec: CropSpec, angle = 0): Crop {
  const [x, y, width, height] = box;
  if (Math.min(width, height) <= 0) {
    throw new Error(`box ${box.join(", ")} is empty: its width and height must be positive`);
  }
  const side = Math.max(width, height);
  const centre: Point = [x + (width - 1) / 2, y + (height - 1) / 2 + spec.shift_y * side];
  return cutSquare(grey, centre, spec.scale * side, spec.size, angle);
}

/** The square of a photo, scaled to `size` pixels. centre, side: photo pixels. angle: degrees that
 * the photo is turned counter-clockwise in the crop. */
export function cutSquare(image: Image, centre: Point, side: number, size: number, angle: number): Crop {
  const turn = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  // A bilinear warp skips pixels when it shrinks by more than two, so average them first.
  const shrink = Math.max(1, Math.floor(side / size));
  const reach = (side / 2) * (Math.abs(cos) + Math.abs(sin));
  const left = Math.floor(centre[0] - reach) - shrink;
  const top = Math.floor(centre[1] - reach) - shrink;
  const cells = Math.ceil((2 * reach + 2) / shrink) + 2;
  let region = cut(image, left, top, cells * shrink);
  if (shrink > 1) region = resizeArea(region, cells, cells);
  const zoom = size / side;
  const [c, s] = [zoom * cos, zoom * sin];
  const middle = (size - 1) / 2;
  const inX = (centre[0] - left - (shrink - 1) / 2) / shrink; // the centre in the region's pixels
  const inY = (centre[1] - top - (shrink - 1) / 2) / shrink;
  const [cs, ss] = [c * shrink, s * shrink];
  const warp: Affine = [cs, ss, middle - (cs * inX + ss * inY), -ss, cs, middle - (-ss * inX + cs * inY)];
  const [x, y] = centre;
  const transform: Affine = [c, s, middle - (c * x + s * y), -s, c, middle - (-s * x + c * y)];
  return { pixels: warpAffine(region, warp, size), transform };
}

/** The square with its corner at (x, y), padded with black where it leaves the photo. */
function cut(image: Image, x: number, y: number, side: number): Image {
  const channels = channelsOf(image);
  const data = new Uint8Array(side * side * channels);
  const left = Math.max(x, 0), right = Math.min(x + side, image.width);
  const bottom = Math.min(y + side, image.height);
  for (let row = Math.max(y, 0); row < bottom && left < right; row++) {
    const from = row * image.width;
    const pixels = image.data.subarray((from + left) * channels, (from + right) * channels);
    data.set(pixels, ((row - y) * side + left - x) * channels);
  }
  return { data, width: side, height: side };
}

/** Crop pixels for each photo pixel of a transform. */
export function zoomOf(transform: Affine): number {
  return Math.hypot(transform[0], transform[1]);
}

/** A point in crop pixels -> photo pixels, in single precision. */
export function toPhoto([x, y]: Point, [a, b, right, d, e, below]: Affine): Point {
  const determinant = a * e - b * d;
  const [across, down] = [x - right, y - below];
  return [
    Math.fround((e * across - b * down) / determinant),
    Math.fround((a * down - d * across) / determinant),
  ];
}
