/** Faces by the detector network. Twin of fkd/detection/neural.py and detections.py. */

import { boxAround } from "../geometry/boxes.js";
import { cropRoll, rollOf, type Frame } from "../geometry/roll.js";
import { round, type Image, type Point } from "../geometry/types.js";
import { openDetector, STRIDES, type DetectorNetwork } from "../models/detector.js";
import { resizeArea, resizeLinear } from "../opencv/resize.js";
import { decode, moved, ordered, suppressed, type Candidate } from "./maps.js";

// The longer side that a photo is brought to, pixels, unless smaller faces are asked for, and the
// side of the smallest face that the network has learned to find.
const DEFAULT_SIDE = 320;
const SMALLEST_FACE = 8;
// A face that is smaller than this where it is searched for, pixels, and of at least this score, has
// a closer look taken at the photo.
const SMALL_FACE = 40, SURE_SCORE = 0.55, CLOSER = 2;
// A larger picture is searched in tiles, which overlap.
const TILE = 640, OVERLAP = 128;
const SIZE_STEP = OVERLAP / SMALLEST_FACE / 2;

/** score: the detector's own, 0..1. */
export interface Detection {
  readonly frame: Frame;
  readonly score: number;
}

/** What a detector found, most confident first; min_face: the smallest side of a box that was
 * searched for, pixels. */
export interface Search {
  readonly detections: readonly Detection[];
  readonly min_face: number;
}

/** A way to find faces. */
export interface Detector {
  readonly search: (grey: Image, minFace: number | null) => Promise<Search>;
  readonly defaultMinFace: (grey: Image) => number;
  readonly smallerMinFaces: (grey: Image) => number[];
}

/** The detector of an ONNX file's bytes. Rejects with ModelError. */
export async function openNeural(file: Uint8Array): Promise<Detector> {
  const { network, info } = await openDetector(file);
  const search = async (grey: Image, minFace: number | null): Promise<Search> => {
    let zoom = zoomFor(grey, minFace ?? defaultMinFace(grey));
    let found = await find(network, grey, info.min_score, zoom);
    if (minFace !== null) {
      found = found.filter(({ side }) => side >= minFace);
    } else if (zoom < 1 && showsSmallFaces(found, zoom)) {
      zoom = Math.min(1, CLOSER * zoom);
      const closer = await findAt(network, grey, info.min_score, zoom);
      found = suppressed(ordered([...found, ...closer]));
    }
    const least = Math.max(Math.ceil(SMALLEST_FACE / zoom), minFace ?? 1);
    return { detections: found.map(detection), min_face: least };
  };
  return { search, defaultMinFace, smallerMinFaces };
}

const longer = ({ width, height }: Image) => Math.max(width, height);

/** The side of the smallest face that is found by default, pixels. */
function defaultMinFace(grey: Image): number {
  return Math.max(1, Math.ceil((SMALLEST_FACE * longer(grey)) / DEFAULT_SIDE));
}

/** Halves of the default, down to what is found without enlarging the photo, pixels. */
function smallerMinFaces(grey: Image): number[] {
  const sides = [];
  for (let side = defaultMinFace(grey); side > SMALLEST_FACE; ) {
    side = Math.max(SMALLEST_FACE, Math.floor(side / 2));
    sides.push(side);
  }
  return sides;
}

/** The size at which a photo shows faces of this side to the network. */
function zoomFor(grey: Image, minFace: number): number {
  return Math.max(DEFAULT_SIDE / longer(grey), Math.min(1, SMALLEST_FACE / minFace));
}

function showsSmallFaces(found: readonly Candidate[], zoom: number): boolean {
  return found.some(({ side, score }) => Math.fround(side * zoom) < SMALL_FACE && score >= SURE_SCORE);
}

/** The faces of a grey photo, in its pixels, most certain first; larger ones are searched for at
 * smaller sizes too. */
async function find(
  network: DetectorNetwork, grey: Image, minScore: number, zoom: number,
): Promise<Candidate[]> {
  const least = Math.min(zoom, DEFAULT_SIDE / longer(grey));
  const found = await findAt(network, grey, minScore, zoom);
  while (zoom > least) {
    zoom = Math.max(least, zoom / SIZE_STEP);
    found.push(...(await findAt(network, grey, minScore, zoom)));
  }
  return suppressed(ordered(found));
}

/** What the network finds in a photo brought to another size, in the photo's pixels. */
async function findAt(
  network: DetectorNetwork, grey: Image, minScore: number, zoom: number,
): Promise<Candidate[]> {
  const small = resized(grey, zoom);
  const found: Candidate[] = [];
  for (const corner of tileCorners(small)) {
    found.push(...moved(decode(await network(tileAt(small, corner)), minScore), corner, 1));
  }
  return moved(ordered(found), [0, 0], 1 / zoom);
}

/** A photo brought to `zoom` times its size. */
function resized(grey: Image, zoom: number): Image {
  const [height, width] = [grey.height, grey.width].map((length) => Math.max(1, round(length * zoom)));
  while (zoom <= 0.125 && grey.width % 2 === 0 && grey.height % 2 === 0) {
    grey = resizeArea(grey, grey.width / 2, grey.height / 2);
    zoom *= 2;
  }
  return (zoom < 0.5 ? resizeArea : resizeLinear)(grey, width!, height!);
}

/** Corners of overlapping parts of a picture; one where it is small. */
function tileCorners(small: Image): Point[] {
  return starts(small.height).flatMap((y) => starts(small.width).map((x): Point => [x, y]));
}

/** Where tiles begin along a side, evenly spread. */
function starts(length: number): number[] {
  const count = length <= TILE ? 1 : Math.ceil((length - OVERLAP) / (TILE - OVERLAP));
  return Array.from({ length: count }, (_, i) => round((i * (length - TILE)) / Math.max(1, count - 1)));
}

/** The tile in the corner of a black picture whose sides the network takes. */
function tileAt(small: Image, [left, top]: Point): Image {
  const [across, down] = [Math.min(TILE, small.width - left), Math.min(TILE, small.height - top)];
  const step = STRIDES[2];
  const [width, height] = [across, down].map((length) => Math.ceil(length / step) * step);
  const data = new Uint8Array(width! * height!);
  for (let row = 0; row < down; row++) {
    const from = (top + row) * small.width + left;
    data.set(small.data.subarray(from, from + across), row * width!);
  }
  return { data, width: width!, height: height! };
}

function detection({ score, x, y, side, five }: Candidate): Detection {
  return { frame: { box: boxAround(x, y, side), roll: cropRoll(rollOf(five)) }, score };
}
