/** The One-Euro filter: little jitter where a face rests, little lag where it moves. Twin of
 * fkd/inference/smoothing.py. */

import { meanOf } from "../geometry/roll.js";
import type { Point } from "../geometry/types.js";

const DERIVATE_CUTOFF = 1; // of the filter on the speed itself, hertz
const OWN_WEIGHT = 1 / 6; // of a place's own speed beside the whole face's

/** Smooths places of one face over time. Source: Casiez, Roussel, Vogel (2012); here the speed is
 * that of the face as a whole, an affine motion of all its places, and a part of each place's own.
 * minCutoff: cutoff of the low-pass at rest, hertz. beta: hertz added for each `scale` (a face's
 * size) that a place moves in a second. */
export class OneEuro {
  #places: readonly Point[] | null = null;
  #speed: readonly Point[] = [];

  constructor(readonly minCutoff: number, readonly beta: number) {}

  /** The smoothed places, `seconds` (> 0) after the call before. */
  next(places: readonly Point[], seconds: number, scale: number): readonly Point[] {
    const before = this.#places;
    if (before === null) {
      this.#speed = places.map(() => [0, 0]);
      return (this.#places = places);
    }
    const weight = alpha(DERIVATE_CUTOFF, seconds);
    this.#speed = this.#speed.map(([vx, vy], i) => [
      vx + weight * ((places[i]![0] - before[i]![0]) / (seconds * scale) - vx),
      vy + weight * ((places[i]![1] - before[i]![1]) / (seconds * scale) - vy),
    ]);
    const whole = affine(before, this.#speed);
    this.#places = before.map(([x, y], i) => {
      const [[wx, wy], [vx, vy]] = [whole[i]!, this.#speed[i]!];
      const moved = Math.hypot(wx, wy) + OWN_WEIGHT * Math.hypot(vx - wx, vy - wy);
      const newest = alpha(this.minCutoff + this.beta * moved, seconds);
      return [x + newest * (places[i]![0] - x), y + newest * (places[i]![1] - y)];
    });
    return this.#places.map(([x, y]) => [Math.fround(x), Math.fround(y)]);
  }
}

/** The affine motion nearest to the speeds of places, at each place: by the normal equations, which
 * fall apart into the mean and two numbers for each axis once the places are about their mean. */
function affine(places: readonly Point[], speed: readonly Point[]): Point[] {
  const [[middleX, middleY], mean] = [meanOf(places), meanOf(speed)];
  let [xx, xy, yy] = [0, 0, 0];
  const [byX, byY] = [[0, 0], [0, 0]] as [[number, number], [number, number]];
  places.forEach(([px, py], i) => {
    const [x, y] = [px - middleX, py - middleY];
    xx += x * x;
    xy += x * y;
    yy += y * y;
    for (const axis of [0, 1] as const) {
      byX[axis] += x * speed[i]![axis];
      byY[axis] += y * speed[i]![axis];
    }
  });
  const determinant = xx * yy - xy * xy;
  if (determinant <= 1e-12 * (xx + yy) ** 2) return places.map(() => mean); // on one line
  const at = (x: number, y: number, axis: 0 | 1) =>
    mean[axis] +
    (x * (yy * byX[axis] - xy * byY[axis]) + y * (xx * byY[axis] - xy * byX[axis])) / determinant;
  return places.map(([x, y]) => [at(x - middleX, y - middleY, 0), at(x - middleX, y - middleY, 1)]);
}

/** Weight of the new value in a low-pass: 1 / (1 + tau / dt), tau = 1 / (2 pi cutoff). */
function alpha(cutoff: number, seconds: number): number {
  return 1 / (1 + 1 / (2 * Math.PI * cutoff * seconds));
}
