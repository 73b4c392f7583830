/** What an ONNX model of this project says about itself. Twin of fkd/models/metadata.py. */

import type { CropSpec } from "../geometry/crop.js";
import { CONVENTION } from "../landmarks.js";
import { ModelError } from "./model_error.js";

const SCHEMA = "3";
const SMALLEST_CROP = 8, LARGEST_CROP = 1024; // pixels

/** By test set, then box source, then figure. */
export type Scores = Record<string, Record<string, Record<string, number>>>;

/** crop: how to feed the model. network: its architecture. provenance: run, commit, data and
 * licences. min_score: of a face, from which on a detection is taken for one; null for a model
 * without scores. */
export interface ModelInfo {
  readonly crop: CropSpec;
  readonly network: string;
  readonly provenance: Readonly<Record<string, string>>;
  readonly scores: Scores;
  readonly min_score: number | null;
}

/** The info in an ONNX file's metadata. Throws ModelError. */
export function fromMetadata(metadata: Readonly<Record<string, string>>): ModelInfo {
  if ("fkd_detector_schema" in metadata) throw new ModelError("the model finds faces, and no points in them");
  if (!("fkd_schema" in metadata)) {
    throw new ModelError("an ONNX model without fkd's metadata; export it with this project");
  }
  if (metadata.fkd_schema !== SCHEMA || metadata.landmarks !== CONVENTION) {
    throw new ModelError("the model was made for another version of fkd or another set of points");
  }
  try {
    return {
      crop: checkedCrop(parsed(metadata, "crop")),
      network: metadata.network ?? "",
      provenance: parsed(metadata, "provenance"),
      scores: parsed(metadata, "scores"),
      min_score: checkedScore(parsed(metadata, "min_score")),
    };
  } catch {
    throw new ModelError("the model's metadata is damaged");
  }
}

/** The licence of the weights, where it is not that of the code; null where it is. */
export function licenceNotice({ provenance }: ModelInfo): string | null {
  const weights = provenance.weights_licence ?? null;
  return weights === (provenance.code_licence ?? null) ? null : weights;
}

/** What JSON says of a key. Throws where there is none. */
export function parsed<T>(metadata: Readonly<Record<string, string>>, key: string): T {
  return JSON.parse(metadata[key] ?? "") as T;
}

function checkedCrop(spec: CropSpec): CropSpec {
  const { size, scale, shift_y } = spec;
  const whole = Number.isInteger(size) && size >= SMALLEST_CROP && size <= LARGEST_CROP;
  if (!whole || !(scale > 0 && scale <= LARGEST_CROP) || !(Math.abs(shift_y) <= LARGEST_CROP)) {
    throw new RangeError("crop");
  }
  return { size, scale, shift_y };
}

function checkedScore(value: number | null): number | null {
  if (value !== null && !(value >= 0 && value <= 1)) throw new RangeError("min_score");
  return value;
}
