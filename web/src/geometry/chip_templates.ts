/** Templates of face chips: where which points of a face come to lie. Twin of
 * fkd/geometry/chip_templates.py. */

import { POINTS_SIDE } from "./boxes.js";
import { fivePoints, MEAN_FIVE_POINTS } from "./roll.js";
import type { Point } from "./types.js";

// Of ArcFace's chips, pixels of a chip of 112 pixels, in the order of `fivePoints`.
const ARCFACE_SIZE = 112;
const ARCFACE_PLACES: Point[] = [
  [38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041],
];

// Of dlib's `get_face_chip`: its mean face, in sides of the chip without padding, as far as it
// aligns by it: points 27 to 54 and 60 to 64.
const DLIB_PLACES: Point[] = [
  [0.490127, 0.203352], [0.490127, 0.307009], [0.490127, 0.409805], [0.490127, 0.515625],
  [0.36688, 0.587326], [0.426036, 0.609345], [0.490127, 0.628106], [0.554217, 0.609345],
  [0.613373, 0.587326], [0.121737, 0.216423], [0.187122, 0.178758], [0.265825, 0.179852],
  [0.334606, 0.231733], [0.260918, 0.245099], [0.182743, 0.244077], [0.645647, 0.231733],
  [0.714428, 0.179852], [0.793132, 0.178758], [0.858516, 0.216423], [0.79751, 0.244077],
  [0.719335, 0.245099], [0.254149, 0.780233], [0.340985, 0.745405], [0.428858, 0.727388],
  [0.490127, 0.742578], [0.551395, 0.727388], [0.639268, 0.745405], [0.726104, 0.780233],
  [0.290379, 0.784792], [0.428096, 0.778746], [0.490127, 0.785343], [0.552157, 0.778746],
  [0.689874, 0.784792],
];

/** pointsOf: the points, of a face's 68, that are aligned. places: where they come to lie, in sides
 * of the template's square. margin: how much is shown around that square at each side by default,
 * in its sides. errorInPhoto: whether the squared distances that are least are those in the photo. */
export interface ChipTemplate {
  readonly pointsOf: (points: readonly Point[]) => readonly Point[];
  readonly places: readonly Point[];
  readonly margin: number;
  readonly errorInPhoto: boolean;
}

/** The templates by name. */
export const TEMPLATES = {
  eyes: {
    pointsOf: (points) => fivePoints(points).slice(0, 2),
    places: MEAN_FIVE_POINTS.slice(0, 2).map(([x, y]) => [0.5 + x / POINTS_SIDE, 0.5 + y / POINTS_SIDE]),
    margin: 0.25,
    errorInPhoto: false,
  },
  arcface: {
    pointsOf: fivePoints,
    places: ARCFACE_PLACES.map(([x, y]) => [(x + 0.5) / ARCFACE_SIZE, (y + 0.5) / ARCFACE_SIZE]),
    margin: 0,
    errorInPhoto: false,
  },
  dlib: {
    pointsOf: (points) => [...points.slice(27, 55), ...points.slice(60, 65)],
    places: DLIB_PLACES,
    margin: 0.25,
    errorInPhoto: true,
  },
} satisfies Record<string, ChipTemplate>;

export type TemplateName = keyof typeof TEMPLATES;
