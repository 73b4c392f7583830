/** Five points of a face, and how far they say it is turned in the picture's plane. Twin of
 * fkd/geometry/roll.py. */

import { NOSE_TIP, OUTER_MOUTH_CORNERS, PARTS } from "../landmarks.js";
import { bounds, boxAround, POINTS_SIDE, referenceBox } from "./boxes.js";
import type { Box, Point } from "./types.js";

/** Where the five points lie about the centre of the 68 points' bounding square, in sides of the
 * reference box. */
export const MEAN_FIVE_POINTS: readonly Point[] = [
  [-0.195, -0.267], [0.195, -0.267], [0.0, -0.048], [-0.169, 0.135], [0.169, 0.135],
];

/** A face that is turned by more, degrees, is cropped upright. */
export const LARGEST_UPRIGHT_ROLL = 30;

/** How a face's crop is cut. box: for the face as it is upright. roll: by how much the photo's face
 * is turned, degrees clockwise. */
export interface Frame {
  readonly box: Box;
  readonly roll: number;
}

/** The same angle from -180 up to, not including, 180 degrees. */
export function wrapped(degrees: number): number {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}

/** By how much a face's crop is turned back, degrees. */
export function cropRoll(roll: number): number {
  return Math.abs(roll) > LARGEST_UPRIGHT_ROLL ? roll : 0;
}

export function meanOf(points: readonly Point[]): Point {
  let [x, y] = [0, 0];
  for (const point of points) {
    x += point[0];
    y += point[1];
  }
  return [x / points.length, y / points.length];
}

/** In single precision, as numpy adds: face chips are then cut to the bit as Python's. */
function singleMean(points: readonly Point[]): Point {
  const along = (axis: 0 | 1) =>
    Math.fround(points.reduce((sum, point) => Math.fround(sum + point[axis]), 0) / points.length);
  return [along(0), along(1)];
}

/** The right and the left eye's centre, the nose tip, the right and the left mouth corner. */
export function fivePoints(points: readonly Point[]): Point[] {
  const eyes = [PARTS.right_eye, PARTS.left_eye].map((eye) => singleMean(points.slice(...eye)));
  return [...eyes, ...[NOSE_TIP, ...OUTER_MOUTH_CORNERS].map((i) => points[i]!)];
}

/** How far a face is turned clockwise in the picture, degrees: the rotation of the similarity that
 * takes the mean five points nearest to these. */
export function rollOf(five: readonly Point[]): number {
  const [middle, seen] = [meanOf(MEAN_FIVE_POINTS), meanOf(five)];
  let [across, around] = [0, 0];
  five.forEach(([x, y], i) => {
    const [mx, my] = [MEAN_FIVE_POINTS[i]![0] - middle[0], MEAN_FIVE_POINTS[i]![1] - middle[1]];
    const [sx, sy] = [x - seen[0], y - seen[1]];
    across += mx * sx + my * sy;
    around += mx * sy - my * sx;
  });
  return (Math.atan2(around, across) * 180) / Math.PI;
}

/** The box of a face that is turned by `roll`, degrees clockwise, as of the upright face. */
export function turnedBox(points: readonly Point[], roll: number): Box {
  const turn = (roll * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const [low, high] = bounds(points.map(([x, y]) => [cos * x + sin * y, cos * y - sin * x]));
  const [x, y] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  const side = Math.max(high[0] - low[0], high[1] - low[1]) / POINTS_SIDE;
  return boxAround(cos * x - sin * y, sin * x + cos * y, side);
}

/** The frame of the face with these points. */
export function frameOf(points: readonly Point[]): Frame {
  const roll = cropRoll(rollOf(fivePoints(points)));
  return { box: roll ? turnedBox(points, roll) : referenceBox(points), roll };
}
