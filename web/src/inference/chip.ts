/** Face chips: faces cut out upright, with their points on the places of a template. Twin of
 * fkd/inference/chip.py and fkd/geometry/chip.py. */

import { bounds } from "../geometry/boxes.js";
import { TEMPLATES, type ChipTemplate, type TemplateName } from "../geometry/chip_templates.js";
import { cutSquare, type Crop } from "../geometry/crop.js";
import { meanOf } from "../geometry/roll.js";
import { channelsOf, type Image, type Point } from "../geometry/types.js";

const MAX_SIZE = 4096; // pixels
const MAX_MARGIN = 2;
const LEAST_CORRELATION = 0.1;
const LEAST_EXTENT = 1; // of the points that are aligned, photo pixels

/** size: side of the chip, pixels. margin: how much is shown around the template's square at each
 * side, in its sides, by default as the template says. */
export interface ChipOptions {
  size?: number;
  margin?: number | null;
  template?: TemplateName;
}

/** A face cut out of a photo upright; what lies outside the photo is black. face: found in it, or
 * its points. Throws RangeError for another size, margin or template, and Error for points that are
 * not placed as a face's. */
export function face_chip(
  image: Image, face: { readonly points: readonly Point[] } | readonly Point[], options: ChipOptions = {},
): Crop {
  const { size = 112, margin = null, template = "eyes" } = options;
  const chosen: ChipTemplate | undefined = TEMPLATES[template];
  if (!chosen) throw new RangeError(`template ${template} is not one of ${Object.keys(TEMPLATES).join(", ")}`);
  if (!(Number.isInteger(size) && size >= 1 && size <= MAX_SIZE)) {
    throw new RangeError(`size: a whole number of pixels from 1 to ${MAX_SIZE}, not ${size}`);
  }
  const around = margin ?? chosen.margin;
  if (!(around >= 0 && around <= MAX_MARGIN)) {
    throw new RangeError(`margin: a number from 0 to ${MAX_MARGIN}, not ${margin}`);
  }
  const points = "points" in face ? face.points : face;
  const { centre, side, angle } = chipSquare(chosen, points, size, around);
  const chip = cutSquare(image, centre, side, size, angle);
  if (channelsOf(image) === 4) {
    const { data } = chip.pixels;
    for (let i = 3; i < data.length; i += 4) data[i] = 255;
  }
  return chip;
}

/** The square that is cut: its centre and side, photo pixels, and by how many degrees the photo is
 * turned counter-clockwise. */
function chipSquare(
  template: ChipTemplate, points: readonly Point[], size: number, margin: number,
): { centre: Point; side: number; angle: number } {
  const inChip = (share: number) => (size * (share + margin)) / (1 + 2 * margin) - 0.5;
  const places = template.places.map(([x, y]): Point => [inChip(x), inChip(y)]);
  const seen = template.pointsOf(points);
  const [low, high] = bounds(seen);
  if (Math.max(high[0] - low[0], high[1] - low[1]) < LEAST_EXTENT) {
    throw new Error("the points that the template aligns lie within a pixel");
  }
  const factor = template.errorInPhoto ? quotient([1, 0], similarityOf(places, seen)) : similarityOf(seen, places);
  const [middle, mean] = [(size - 1) / 2, meanOf(places)];
  const away = quotient([middle - mean[0], middle - mean[1]], factor);
  const [x, y] = meanOf(seen);
  return {
    centre: [x + away[0], y + away[1]],
    side: size / Math.hypot(...factor),
    angle: (-Math.atan2(factor[1], factor[0]) * 180) / Math.PI,
  };
}

/** The scale and rotation, as a complex number, that with a shift takes points nearest to targets
 * (Umeyama 1991, as a quotient of complex numbers). Throws where they hardly correlate. */
function similarityOf(points: readonly Point[], targets: readonly Point[]): Point {
  const [from, to] = [meanOf(points), meanOf(targets)];
  let [real, imaginary, spread, spreadTo] = [0, 0, 0, 0];
  points.forEach(([px, py], i) => {
    const [x, y] = [px - from[0], py - from[1]];
    const [u, v] = [targets[i]![0] - to[0], targets[i]![1] - to[1]];
    real += x * u + y * v;
    imaginary += x * v - y * u;
    spread += x * x + y * y;
    spreadTo += u * u + v * v;
  });
  if (Math.hypot(real, imaginary) <= LEAST_CORRELATION * Math.sqrt(spread * spreadTo)) {
    throw new Error("the points are not placed as those of a face");
  }
  return [real / spread, imaginary / spread];
}

/** Of complex numbers. */
function quotient([a, b]: Point, [c, d]: Point): Point {
  const square = c * c + d * d;
  return [(a * c + b * d) / square, (b * c - a * d) / square];
}
