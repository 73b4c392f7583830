/** The walk of a photo: detect, crop, predict the points, refine, verify. Twin of
 * fkd/inference/pipeline.py and looks.py, where each of these numbers has its reason. */

import type { Detector } from "../detection/neural.js";
import { iou } from "../geometry/boxes.js";
import { cropFace, toPhoto, zoomOf, type CropSpec } from "../geometry/crop.js";
import { LARGEST_UPRIGHT_ROLL, wrapped, type Frame } from "../geometry/roll.js";
import type { Affine, Image, Point } from "../geometry/types.js";
import { COUNT } from "../landmarks.js";
import type { Model, ModelOutput } from "../models/output.js";
import { Face } from "./face.js";
import type { StepTimer } from "./timing.js";

const MIN_REFINED_SCORE = 0.01;
const WELL_ALIGNED_IOU = 0.6;
const BESIDE_A_FACE = 0.75;
const SIMILAR_SIZE = 2;
const SURE = 0.6;
const SURE_BESIDE_OTHERS = 0.85;
const QUARTERS = [90, 180, 270];
const CLEARLY_SEEN = 0.5;
const SMALLER_SECONDS = 3;
const OCTAVE_TIME = 4;
/** Boxes that share this much of their union are one face. */
export const DUPLICATE_IOU = 0.3;
const BATCH_SIZE = 16;
const MAX_DETECTIONS = 500;

/** faces: of a photo, highest score first. min_face: the smallest side of a face box that was
 * searched for, pixels. detections_skipped: how many were not examined. */
export interface Found {
  readonly faces: readonly Face[];
  readonly min_face: number;
  readonly detections_skipped: number;
}

/** Where a face is looked for. certainty: what the detector adds to the face score, 0..1. */
interface Look {
  readonly frame: Frame;
  readonly certainty: number;
}

/** What the network answers there; score: of the face, and of the detector. */
interface Seen {
  readonly face: Face;
  readonly certainty: number;
  readonly score: number;
}

/** What finds the faces of photos. minScore: lowest score of a face; null to verify nothing. */
export class Pipeline {
  constructor(
    readonly model: Model,
    readonly crop: CropSpec,
    readonly detector: Detector,
    readonly minScore: number | null,
  ) {}

  /** The faces of a grey photo. minFace: smallest face searched for, pixels; null for the detector's
   * own choice, and smaller ones where that finds nothing, for about SMALLER_SECONDS. */
  async search(grey: Image, timer: StepTimer, minFace: number | null): Promise<Found> {
    const found = await this.#searchOnce(grey, timer, minFace);
    return minFace === null ? this.#goOn(grey, found, timer) : found;
  }

  async #goOn(grey: Image, found: Found, timer: StepTimer): Promise<Found> {
    const least = this.detector.defaultMinFace(grey);
    const started = performance.now();
    let took = 0;
    for (const minFace of [least, ...this.detector.smallerMinFaces(grey)]) {
      const smallest = Math.min(found.min_face, least);
      if (found.faces.length && found.faces.every((face) => face.reference_box[2] >= smallest)) break;
      const begun = performance.now();
      if (begun - started + OCTAVE_TIME * took > 1000 * SMALLER_SECONDS) break;
      if (minFace < found.min_face) {
        found = await this.#searchOnce(grey, timer, minFace);
        took = performance.now() - begun;
      }
    }
    return found;
  }

  async #searchOnce(grey: Image, timer: StepTimer, minFace: number | null): Promise<Found> {
    const { detections, min_face } = await timer.step("detect", () => this.detector.search(grey, minFace));
    const looks = detections
      .slice(0, MAX_DETECTIONS)
      .map(({ frame, score }): Look => ({ frame, certainty: Math.sqrt(score) }));
    const seen = await this.#firstLooks(grey, looks, timer);
    const minScore = this.minScore;
    const faces =
      minScore === null || seen.some(({ face }) => face.score === null)
        ? seen.map(({ face }) => face)
        : await this.#verified(grey, seen, minScore, timer);
    return { faces, min_face, detections_skipped: Math.max(0, detections.length - MAX_DETECTIONS) };
  }

  /** What the network sees where the detector is about as sure as of the photo's surest; then
   * elsewhere, as far as that is worth it beside the faces there are. looks: most certain first. */
  async #firstLooks(grey: Image, looks: readonly Look[], timer: StepTimer): Promise<Seen[]> {
    const seen = await this.#see(grey, surest(looks), timer);
    const faces = seen.filter(({ score }) => this.minScore !== null && score >= this.minScore);
    const rest = beside(looks.slice(seen.length), faces);
    return [...seen, ...(await this.#see(grey, rest, timer))];
  }

  /** One face for each frame, whatever its score. */
  async predict(grey: Image, frames: readonly Frame[], timer: StepTimer): Promise<Face[]> {
    const faces: Face[] = [];
    for (let first = 0; first < frames.length; first += BATCH_SIZE) {
      faces.push(...(await this.#predictBatch(grey, frames.slice(first, first + BATCH_SIZE), timer)));
    }
    return faces;
  }

  async #predictBatch(grey: Image, frames: readonly Frame[], timer: StepTimer): Promise<Face[]> {
    const crops = await timer.step("crop", () =>
      frames.map(({ box, roll }) => cropFace(grey, box, this.crop, roll)),
    );
    const pixels = crops.map((crop) => crop.pixels.data as Uint8Array);
    const output = await timer.step("points", () => this.model(pixels));
    return frames.map((frame, i) => faceOf(output, i, frame, crops[i]!.transform));
  }

  /** What the network sees where the photo is looked at. */
  async #see(grey: Image, looks: readonly Look[], timer: StepTimer): Promise<Seen[]> {
    const faces = await this.predict(grey, looks.map(({ frame }) => frame), timer);
    return faces.map((face, i) => {
      const { certainty } = looks[i]!;
      return { face, certainty, score: (face.score ?? 0) * certainty };
    });
  }

  /** The faces among what was seen, after another look at what is doubtful: in crops turned by
   * quarters, and in the frame of its points. */
  async #verified(grey: Image, seen: readonly Seen[], minScore: number, timer: StepTimer): Promise<Face[]> {
    const turned = await this.#see(grey, quarters(seen, minScore), timer);
    const least = Math.min(MIN_REFINED_SCORE, minScore);
    const hopeful = [...seen, ...turned].filter(({ score }) => score >= least);
    const settled = (one: Seen) => one.score >= minScore && wellAligned(one.face);
    const looks = hopeful
      .filter((one) => !settled(one))
      .map(({ face, certainty }): Look => ({ frame: face.frame, certainty }));
    const refined = await this.#see(grey, looks, timer);
    return facesOf([...hopeful.filter(settled), ...refined], minScore);
  }
}

/** The face of crop `i`, in pixels of the photo. */
function faceOf(output: ModelOutput, i: number, { box, roll }: Frame, transform: Affine): Face {
  const of = (values: Float32Array | undefined, count: number) =>
    values ? Array.from(values.subarray(i * count, (i + 1) * count)) : null;
  const flat = of(output.points, 2 * COUNT)!;
  const points = Array.from({ length: COUNT }, (_, k): Point =>
    toPhoto([flat[2 * k]!, flat[2 * k + 1]!], transform),
  );
  const zoom = Math.fround(zoomOf(transform));
  const pose = of(output.pose, 3);
  return new Face({
    points, box, roll,
    score: output.score?.[i] ?? null,
    confidence: of(output.confidence, COUNT),
    visible: of(output.visible, COUNT),
    depth: of(output.depth, COUNT)?.map((depth) => Math.fround(depth / zoom)) ?? null,
    pose: pose && { yaw: pose[0]!, pitch: pose[1]!, roll: wrapped(pose[2]! + roll) },
  });
}

/** Those of about the highest certainty. looks: most certain first. */
function surest(looks: readonly Look[]): Look[] {
  return looks.filter(({ certainty }) => certainty >= BESIDE_A_FACE * looks[0]!.certainty);
}

/** The looks that are worth it in a photo with these faces; all where there is none. */
function beside(looks: readonly Look[], faces: readonly Seen[]): Look[] {
  const least = BESIDE_A_FACE * Math.max(0, ...faces.map(({ certainty }) => certainty));
  return looks.filter((look) => look.certainty >= least || similarSize(look, faces));
}

function similarSize(look: Look, faces: readonly Seen[]): boolean {
  const ratios = faces.map(({ face }) => look.frame.box[2] / face.frame.box[2]);
  return ratios.some((ratio) => 1 / SIMILAR_SIZE <= ratio && ratio <= SIMILAR_SIZE);
}

/** Looks at what the detector is sure of and the network does not see, or not clearly in a turned
 * crop: the detector often mistakes at which angle a face is. */
function quarters(seen: readonly Seen[], minScore: number): Look[] {
  const surest = Math.max(0, ...seen.map(({ certainty }) => certainty));
  const sure = Math.max(SURE, SURE_BESIDE_OTHERS * surest);
  return seen
    .filter((one) => doubtful(one, minScore) && sure <= one.certainty && one.certainty < 1)
    .flatMap(({ face, certainty }) =>
      QUARTERS.map((turn) => ({ frame: { box: face.box, roll: wrapped(face.roll + turn) }, certainty })),
    )
    .slice(0, MAX_DETECTIONS - seen.length);
}

function doubtful({ face, score }: Seen, minScore: number): boolean {
  return score < (face.frame.roll ? Math.max(CLEARLY_SEEN, minScore) : minScore);
}

/** The faces of a high enough score, highest first, each once. */
function facesOf(seen: readonly Seen[], minScore: number): Face[] {
  const kept: Face[] = [];
  for (const { face, score } of [...seen].sort((first, second) => second.score - first.score)) {
    const place = face.reference_box;
    const duplicate = kept.some((other) => iou(place, other.reference_box) > DUPLICATE_IOU);
    if (score >= minScore && !duplicate) kept.push(face.with({ score }));
  }
  return kept;
}

function wellAligned(face: Face): boolean {
  const turned = Math.abs(wrapped(face.roll - face.frame.roll));
  return iou(face.box, face.frame.box) >= WELL_ALIGNED_IOU && turned <= LARGEST_UPRIGHT_ROLL;
}
