/** How far eyes and mouth are open. Twin of fkd/geometry/openness.py. */

import { PARTS } from "../landmarks.js";
import type { Point } from "./types.js";

/** The eye aspect ratio of each eye, of an open one about 0.3; right and left are the subject's. */
export function eyeOpenness(points: readonly Point[]): { right: number; left: number } {
  return { right: aspect(points.slice(...PARTS.right_eye)), left: aspect(points.slice(...PARTS.left_eye)) };
}

/** The aspect ratio of the inner lips, of a closed mouth near 0. */
export function mouthOpenness(points: readonly Point[]): number {
  return aspect(points.slice(...PARTS.inner_lips));
}

/** Mean height over width of a closed outline that begins at one corner and goes along the upper
 * side; NaN where the corners are one point. */
function aspect(outline: readonly Point[]): number {
  const half = outline.length / 2;
  const distance = (i: number, j: number) =>
    Math.hypot(outline[i]![0] - outline[j]![0], outline[i]![1] - outline[j]![1]);
  const width = distance(half, 0);
  let sum = 0;
  for (let i = 1; i < half; i++) sum += distance(i, outline.length - i);
  return width ? sum / (half - 1) / width : NaN;
}
