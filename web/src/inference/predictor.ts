/** Photo in, faces out. Twin of fkd/inference/predictor.py. */

import { openNeural } from "../detection/neural.js";
import type { Box, Image } from "../geometry/types.js";
import type { ModelInfo } from "../models/metadata.js";
import { openModel } from "../models/session.js";
import { DEFAULT, findModel } from "../models/zoo.js";
import { toGrey } from "../opencv/grey.js";
import type { Face } from "./face.js";
import { Pipeline } from "./pipeline.js";
import { StepTimer } from "./timing.js";

export const STEPS = ["detect", "crop", "points"];

/** detector: "neural", or "none" when each photo is one face that fills it. min_face: smallest face
 * that is searched for, pixels; by default the detector's own choice, and where no face is found,
 * smaller ones, as far as three seconds allow. min_score: lowest score of a detected face, 0..1; by
 * default the model's own threshold. weights: the folder of the packaged models' files; by default
 * that of this package. detector_file: the detector's bytes, in place of the folder's. */
export interface PredictorOptions {
  detector?: "neural" | "none";
  min_face?: number | null;
  min_score?: number | null;
  weights?: string | URL;
  detector_file?: Uint8Array;
}

/** faces: of a photo, highest score first. milliseconds: of each step. min_face: the smallest side
 * of a face box that was searched for, photo pixels; null when nothing was searched for.
 * detections_skipped: how many of the detector's boxes were not examined. */
export interface Analysis {
  readonly faces: readonly Face[];
  readonly milliseconds: Readonly<Record<string, number>>;
  readonly detections_skipped: number;
  readonly min_face: number | null;
}

/** min_face: for this call, in place of the predictor's. */
export interface CallOptions {
  boxes?: readonly Box[] | null;
  min_face?: number | null;
  timer?: StepTimer;
}

/** Finds faces and their 68 points. */
export class Predictor {
  private constructor(
    readonly pipeline: Pipeline,
    readonly info: ModelInfo,
    readonly detector: "neural" | "none",
    readonly min_face: number | null,
    readonly min_score: number | null,
  ) {}

  /** model: "base", "nano", an address, or the bytes of an .onnx file. Rejects with ModelError for a
   * model that cannot be used, with RangeError for an option that is out of range. */
  static async open(
    model: string | URL | Uint8Array = DEFAULT, options: PredictorOptions = {},
  ): Promise<Predictor> {
    const detector = options.detector ?? "neural";
    if (detector !== "neural" && detector !== "none") {
      throw new RangeError(`detector ${JSON.stringify(detector)} is not one of neural, none`);
    }
    const minFace = checkedMinFace(options.min_face ?? null);
    const weights = options.weights ?? new URL(/* @vite-ignore */ "../../weights/", import.meta.url);
    const [file, detectorFile] = await Promise.all([
      model instanceof Uint8Array ? model : findModel(model, weights),
      options.detector_file ?? findModel("detector", weights),
    ]);
    const opened = await openModel(file);
    const minScore = options.min_score ?? opened.info.min_score;
    const found = await openNeural(detectorFile);
    const pipeline = new Pipeline(opened.model, opened.info.crop, found, minScore);
    return new Predictor(pipeline, opened.info, detector, minFace, minScore);
  }

  /** The faces of a photo, highest score first; or one face for each given box, in their order and
   * whatever their score. In Python a predictor is called for this. */
  async predict(image: Image, options: CallOptions = {}): Promise<readonly Face[]> {
    return (await this.analyse(image, options)).faces;
  }

  /** As `predict`, with the time each step took, and how far was searched. boxes: photo pixels, in
   * the convention of `reference_box`. */
  async analyse(image: Image, options: CallOptions = {}): Promise<Analysis> {
    const timer = options.timer ?? new StepTimer(...STEPS);
    const grey = toGrey(image);
    const boxes = options.boxes ?? null;
    if (boxes === null && this.detector !== "none") {
      const found = await this.pipeline.search(grey, timer, checkedMinFace(options.min_face ?? this.min_face));
      return { ...found, milliseconds: timer.milliseconds };
    }
    const given: readonly Box[] = boxes ?? [[0, 0, grey.width, grey.height]];
    const frames = given.map((box) => ({ box: box.map(Math.trunc) as unknown as Box, roll: 0 }));
    const faces = await this.pipeline.predict(grey, frames, timer);
    return { faces, milliseconds: timer.milliseconds, detections_skipped: 0, min_face: null };
  }
}

function checkedMinFace(minFace: number | null): number | null {
  if (minFace !== null && !(Number.isInteger(minFace) && minFace > 0)) {
    throw new RangeError(`min_face: a positive number of pixels expected, not ${minFace}`);
  }
  return minFace;
}
