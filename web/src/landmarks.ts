/** The 68-point convention: parts and contours. Twin of fkd/landmarks.py. Left and right are the
 * subject's. */

export const COUNT = 68;
export const CONVENTION = "ibug-68";

/** The parts of a face, each a line of neighbouring points: the first, one past the last. */
export const PARTS = {
  jaw: [0, 17],
  right_brow: [17, 22],
  left_brow: [22, 27],
  nose_bridge: [27, 31],
  nostrils: [31, 36],
  right_eye: [36, 42],
  left_eye: [42, 48],
  outer_lips: [48, 60],
  inner_lips: [60, 68],
} as const;

export type Part = keyof typeof PARTS;

const CLOSED_PARTS: readonly string[] = ["right_eye", "left_eye", "outer_lips", "inner_lips"];

export const NOSE_TIP = 30;
export const OUTER_MOUTH_CORNERS = [48, 54] as const;

/** First point, one past the last, whether the line closes. */
export type Contour = readonly [number, number, boolean];

/** Polylines that draw a face. */
export const CONTOURS: readonly Contour[] = Object.entries(PARTS).map(
  ([name, [first, end]]) => [first, end, CLOSED_PARTS.includes(name)],
);
