/** What everything speaks. Twin of fkd/geometry/__init__.py. */

/** Pixels by rows, top left first: grey, a byte each, or RGBA, as in a browser's `ImageData`. */
export interface Image {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** x, y: pixels of the photo, pixel centres at integers, 0-based. */
export type Point = readonly [number, number];

/** x, y, width, height: whole pixels of the photo. */
export type Box = readonly [number, number, number, number];

/** A 2x3 matrix by rows. */
export type Affine = readonly [number, number, number, number, number, number];

/** Bytes for each pixel: 1 or 4. Throws for an image of another kind. */
export function channelsOf({ data, width, height }: Image): 1 | 4 {
  const channels = data.length / (width * height);
  if (!(width > 0 && height > 0) || (channels !== 1 && channels !== 4)) {
    throw new Error(`image: 1 or 4 bytes for each of ${width}x${height} pixels expected, not ${data.length} in all`);
  }
  return channels;
}

/** To the nearest whole number, halves to the even one, as Python rounds. */
export function round(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

/** To so many digits after the point, as numpy rounds. */
export function rounded(value: number, digits: number): number {
  const power = 10 ** digits;
  return round(value * power) / power;
}
