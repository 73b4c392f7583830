/** The reference box of a face, and how boxes overlap. Twin of fkd/geometry/boxes.py. */

import { round, type Box, type Point } from "./types.js";

// The box convention: where the 68 points lie in a box.
export const CENTRE_RIGHT = 0.006;
export const CENTRE_BELOW = 0.155;
export const POINTS_SIDE = 0.88;

/** Least and greatest x and y of some points. */
export function bounds(points: readonly Point[]): [Point, Point] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return [[left, top], [right, bottom]];
}

/** The square box of a face with these points, photo pixels: boxes that detectors give and that
 * callers hand in follow this convention. */
export function referenceBox(points: readonly Point[]): Box {
  const [[left, top], [right, bottom]] = bounds(points);
  const side = Math.max(Math.fround(right - left), Math.fround(bottom - top)) / POINTS_SIDE;
  return boxAround(Math.fround(left + right) / 2, Math.fround(top + bottom) / 2, side);
}

/** The box of this side whose face's points have the centre of their bounding square at (x, y). As
 * in Python, in single precision. */
export function boxAround(x: number, y: number, side: number): Box {
  const f = Math.fround;
  const left = f(f(f(x - f(CENTRE_RIGHT * side)) - f(side / 2)) + 0.5);
  const top = f(f(f(y - f(CENTRE_BELOW * side)) - f(side / 2)) + 0.5);
  const whole = Math.max(1, round(side));
  return [round(left), round(top), whole, whole];
}

/** Distance of two boxes' centres, in sides of the reference box. */
export function centreDistance(box: Box, reference: Box): number {
  const [x, y, side] = reference;
  const right = box[0] + box[2] / 2 - x - side / 2;
  const down = box[1] + box[3] / 2 - y - side / 2;
  return Math.hypot(right / side, down / side);
}

/** Intersection over union of two boxes, 0..1. */
export function iou(first: Box, second: Box): number {
  const overlap = (axis: 0 | 1) =>
    Math.min(first[axis] + first[axis + 2]!, second[axis] + second[axis + 2]!) -
    Math.max(first[axis], second[axis]);
  const shared = Math.max(overlap(0), 0) * Math.max(overlap(1), 0);
  return shared / (first[2] * first[3] + second[2] * second[3] - shared);
}
