/** From the detector network's maps to faces. Twin of fkd/detection/maps.py. */

import type { Point } from "../geometry/types.js";
import { CHANNELS, STRIDES, type Maps } from "../models/detector.js";

/** Faces that share this much of their union are one. */
const DUPLICATE_IOU = 0.4;

/** A face that may be in a picture. score: 0..1. x, y: the centre of the square around the upright
 * face's points; side: of the face's box; five: `fivePoints`; all in pixels. */
export interface Candidate {
  readonly score: number;
  readonly x: number;
  readonly y: number;
  readonly side: number;
  readonly five: readonly Point[];
}

/** The cells of a picture that say of a face that it is there, with at least this score, most
 * certain first. */
export function decode(maps: Maps, minScore: number): Candidate[] {
  const least = Math.fround(Math.log(minScore / (1 - minScore)));
  const found = STRIDES.flatMap((stride, i) => {
    const { data, width, height } = maps[i]!;
    const cells = width * height;
    const candidates: Candidate[] = [];
    for (let cell = 0; cell < cells; cell++) {
      if (data[cell]! < least) continue;
      const told = Array.from({ length: CHANNELS }, (_, channel) => data[channel * cells + cell]!);
      const x = (cell % width) * stride + (stride - 1) / 2;
      const y = Math.floor(cell / width) * stride + (stride - 1) / 2;
      const place = (channel: number): Point => [
        Math.fround(x + told[channel]! * stride),
        Math.fround(y + told[channel + 1]! * stride),
      ];
      const [middleX, middleY] = place(1);
      candidates.push({
        score: Math.fround(1 / (1 + Math.exp(-told[0]!))),
        x: middleX,
        y: middleY,
        side: Math.fround(Math.exp(Math.min(told[3]!, 8)) * stride),
        five: [4, 6, 8, 10, 12].map(place),
      });
    }
    return candidates;
  });
  return ordered(found);
}

/** The same, most certain first. */
export function ordered(found: readonly Candidate[]): Candidate[] {
  return [...found].sort((first, second) => second.score - first.score);
}

/** The same in a picture that is `zoom` times as large, of which this one is a part with its corner
 * at (x, y). */
export function moved(found: readonly Candidate[], [right, down]: Point, zoom: number): Candidate[] {
  const along = (value: number, shift: number) =>
    Math.fround((value + shift + 0.5) * zoom - 0.5); // centres of pixels are at integers
  return found.map(({ score, x, y, side, five }) => ({
    score,
    x: along(x, right),
    y: along(y, down),
    side: Math.fround(side * zoom),
    five: five.map(([fx, fy]) => [along(fx, right), along(fy, down)]),
  }));
}

/** Each face once: the most certain of those that overlap. */
export function suppressed(found: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const face of found) {
    if (kept.every((other) => overlap(face, other) <= DUPLICATE_IOU)) kept.push(face);
  }
  return kept;
}

/** Intersection over union of two squares. */
function overlap(first: Candidate, second: Candidate): number {
  const [half, least] = [(first.side + second.side) / 2, Math.min(first.side, second.side)];
  const along = (apart: number) => Math.min(Math.max(half - Math.abs(apart), 0), least);
  const shared = along(first.x - second.x) * along(first.y - second.y);
  return shared / (first.side ** 2 + second.side ** 2 - shared);
}
