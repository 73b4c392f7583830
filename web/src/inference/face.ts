/** A found face. Twin of fkd/inference/face.py. */

import { referenceBox } from "../geometry/boxes.js";
import { eyeOpenness, mouthOpenness } from "../geometry/openness.js";
import { frameOf, type Frame } from "../geometry/roll.js";
import { rounded, type Box, type Point } from "../geometry/types.js";
import { PARTS, type Part } from "../landmarks.js";

/** How a head is turned, degrees: yaw to its own left, pitch down, roll clockwise in the picture. */
export interface Pose {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

/** What a face is made of; `Face` says what each is. */
export interface FaceValues {
  points: readonly Point[];
  box: Box;
  score: number | null;
  confidence: readonly number[] | null;
  roll?: number;
  id?: number | null;
  visible?: readonly number[] | null;
  depth?: readonly number[] | null;
  pose?: Pose | null;
}

/** A face as in the JSON of `fkd infer --json`. */
export interface FaceRecord {
  box: Box;
  roll: number;
  score: number | null;
  points: readonly Point[];
  confidence: readonly number[] | null;
  visible: readonly number[] | null;
  depth: readonly number[] | null;
  pose: Pose | null;
  id?: number;
}

export class Face {
  /** 68 points, photo pixels. */
  readonly points: readonly Point[];
  /** (x, y, width, height), photo pixels. */
  readonly box: Box;
  /** The probability that the box frames a face, 0..1. */
  readonly score: number | null;
  /** The probability that each point is right; null, as the score, for a model without heatmaps. */
  readonly confidence: readonly number[] | null;
  /** By how much the crop was turned back, degrees clockwise in the photo. */
  readonly roll: number;
  /** The same for one face through the frames of a video; null in a photo. */
  readonly id: number | null;
  /** The probability that nothing hides each point; null, as the next two, for a model that has not
   * learned them. */
  readonly visible: readonly number[] | null;
  /** How much further from the camera each point is than their mean, photo pixels. */
  readonly depth: readonly number[] | null;
  readonly pose: Pose | null;

  #referenceBox: Box | undefined;
  #frame: Frame | undefined;

  constructor(values: FaceValues) {
    this.points = values.points;
    this.box = values.box;
    this.score = values.score;
    this.confidence = values.confidence;
    this.roll = values.roll ?? 0;
    this.id = values.id ?? null;
    this.visible = values.visible ?? null;
    this.depth = values.depth ?? null;
    this.pose = values.pose ?? null;
  }

  /** The same face with some values replaced. */
  with(values: Partial<FaceValues>): Face {
    return new Face({ ...this, ...values });
  }

  /** The box that the convention gives to these points. */
  get reference_box(): Box {
    return (this.#referenceBox ??= referenceBox(this.points));
  }

  /** How a crop is cut for these points. */
  get frame(): Frame {
    return (this.#frame ??= frameOf(this.points));
  }

  /** The points by the names of PARTS, such as "left_eye". */
  get parts(): Record<Part, Point[]> {
    const parts = Object.entries(PARTS).map(([name, range]) => [name, this.points.slice(...range)]);
    return Object.fromEntries(parts) as Record<Part, Point[]>;
  }

  get eye_openness(): { right: number; left: number } {
    return eyeOpenness(this.points);
  }

  get mouth_openness(): number {
    return mouthOpenness(this.points);
  }

  /** Points and depth, photo pixels, z away from the camera; null without a depth. */
  get points3d(): (readonly [number, number, number])[] | null {
    const depth = this.depth;
    return depth && this.points.map(([x, y], i) => [x, y, depth[i]!]);
  }

  /** Plain numbers, points rounded to a hundredth of a pixel: `to_dict` in Python, and what
   * JSON.stringify takes. */
  toJSON(): FaceRecord {
    const { pose } = this;
    const all = (values: readonly number[] | null, digits: number) =>
      values && values.map((value) => rounded(value, digits));
    return {
      box: this.box,
      roll: rounded(this.roll, 1),
      score: this.score === null ? null : rounded(this.score, 4),
      points: this.points.map(([x, y]) => [rounded(x, 2), rounded(y, 2)]),
      confidence: all(this.confidence, 3),
      visible: all(this.visible, 3),
      depth: all(this.depth, 2),
      pose: pose && { yaw: rounded(pose.yaw, 1), pitch: rounded(pose.pitch, 1), roll: rounded(pose.roll, 1) },
      ...(this.id === null ? {} : { id: this.id }),
    };
  }
}
