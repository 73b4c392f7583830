/** What a face looks like, as numbers by which one is told from another for a second or so. Twin of
 * fkd/inference/appearance.py. */

import { cropFace, type CropSpec } from "../geometry/crop.js";
import type { Box, Image } from "../geometry/types.js";
import { gaussianBlur } from "../opencv/blur.js";

const CHIP: CropSpec = { size: 12, scale: 1.2, shift_y: 0.155 };
const BLUR = 1.5; // of the shading that is taken away, chip pixels
/** Faces at least this similar can be one. */
export const SAME_FACE = 0.5;

/** A unit vector of the face in a box; the dot product of two is their similarity, -1..1. */
export function appearance(grey: Image, box: Box): Float32Array {
  const chip = Float32Array.from(cropFace(grey, box, CHIP).pixels.data);
  const shading = gaussianBlur(chip, CHIP.size, BLUR);
  return unit(chip.map((value, i) => value - shading[i]!));
}

/** The vector with a length of 1. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.max(Math.sqrt(similarity(vector, vector)), 1e-6);
  return vector.map((value) => value / length);
}

export function similarity(first: Float32Array, second: Float32Array): number {
  return first.reduce((sum, value, i) => sum + value * second[i]!, 0);
}
