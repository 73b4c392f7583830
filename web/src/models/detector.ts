/** Opening a detector's file. Twin of fkd/models/detector.py. */

import type { Image } from "../geometry/types.js";
import { parsed } from "./metadata.js";
import { ModelError } from "./model_error.js";
import { metadataOf } from "./onnx_file.js";
import { openSession, run } from "./session.js";

const SCHEMA = "1";
/** A map of each stride, pixels of the picture for a cell, and what a map tells of a cell: the
 * score's logit, centre and log side of the face, five points. */
export const STRIDES = [8, 16, 32] as const;
export const CHANNELS = 1 + 3 + 10;
const TRIAL_SIDE = 64;

/** For each stride, CHANNELS planes of width * height numbers. */
export type Maps = readonly { data: Float32Array; width: number; height: number }[];

/** A grey picture, both of whose sides are multiples of the largest stride -> its maps. */
export type DetectorNetwork = (grey: Image) => Promise<Maps>;

/** min_score: from which on a detection is one, 0..1. */
export interface DetectorInfo {
  readonly provenance: Readonly<Record<string, string>>;
  readonly scores: Readonly<Record<string, Record<string, number>>>;
  readonly min_score: number;
}

/** The info in an ONNX file's metadata. Throws ModelError. */
export function detectorInfo(metadata: Readonly<Record<string, string>>): DetectorInfo {
  if (metadata.fkd_detector_schema !== SCHEMA) {
    throw new ModelError("the detector is not a face detector of this version of fkd");
  }
  try {
    const min_score = parsed<number>(metadata, "min_score");
    if (!(min_score > 0 && min_score < 1)) throw new RangeError("min_score");
    return { provenance: parsed(metadata, "provenance"), scores: parsed(metadata, "scores"), min_score };
  } catch {
    throw new ModelError("the detector's metadata is damaged");
  }
}

/** A detector's file as a function of grey pictures, and what it says about itself. Rejects with
 * ModelError. */
export async function openDetector(
  file: Uint8Array,
): Promise<{ network: DetectorNetwork; info: DetectorInfo }> {
  const info = detectorInfo(metadataOf(file));
  const session = await openSession(file);
  if (session.outputNames.join() !== STRIDES.map((stride) => `stride${stride}`).join()) {
    throw new ModelError("the detector's outputs are not maps of the strides 8, 16 and 32");
  }
  const network: DetectorNetwork = async ({ data, width, height }) => {
    const answer = await run(session, Float32Array.from(data), [1, 1, height, width]);
    return answer.map((map, i) => checkedMap(map, width / STRIDES[i]!, height / STRIDES[i]!));
  };
  const side = TRIAL_SIDE;
  await network({ data: new Uint8Array(2 * side * side), width: 2 * side, height: side });
  return { network, info };
}

function checkedMap(
  { data, dims }: { data: Float32Array; dims: readonly number[] }, width: number, height: number,
): Maps[number] {
  if (dims.join() !== [1, CHANNELS, height, width].join()) {
    throw new ModelError(`a map of the detector has the shape ${dims.join("x")}`);
  }
  if (!data.every(Number.isFinite)) {
    throw new ModelError("a map of the detector holds numbers that are not finite");
  }
  return { data, width, height };
}
