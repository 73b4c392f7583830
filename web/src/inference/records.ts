/** Faces as plain values for JSON: the same as of `fkd infer --json` and `fkd video`. Twin of
 * fkd/inference/records.py. */

import { rounded, type Image } from "../geometry/types.js";
import type { Face, FaceRecord } from "./face.js";
import type { Analysis } from "./predictor.js";

const JSON_SCHEMA = 2;

export interface PhotoRecord {
  schema: number;
  image: string;
  width: number;
  height: number;
  several_pictures: boolean;
  model: string;
  backend: string;
  faces: FaceRecord[];
  min_face: number | null;
  detections_skipped: number;
  milliseconds: Readonly<Record<string, number>>;
}

export interface FrameRecord {
  schema: number;
  frame: number;
  seconds: number;
  faces: FaceRecord[];
  min_face: number | null;
  detections_skipped: number;
}

/** One photo's faces. label: its name. several: whether its file has more pictures. */
export function photoRecord(
  label: string, image: Image, analysis: Analysis, model: string, several = false,
): PhotoRecord {
  return {
    schema: JSON_SCHEMA,
    image: label,
    width: image.width,
    height: image.height,
    several_pictures: several,
    model,
    backend: "onnx",
    faces: analysis.faces.map((face) => face.toJSON()),
    min_face: analysis.min_face,
    detections_skipped: analysis.detections_skipped,
    milliseconds: analysis.milliseconds,
  };
}

/** The faces of a video's frame; frame: from 0; seconds: from the video's start; the rest: of the
 * last search. */
export function frameRecord(
  frame: number, seconds: number, faces: readonly Face[], detectionsSkipped: number, minFace: number | null,
): FrameRecord {
  return {
    schema: JSON_SCHEMA,
    frame,
    seconds: rounded(seconds, 4),
    faces: faces.map((face) => face.toJSON()),
    min_face: minFace,
    detections_skipped: detectionsSkipped,
  };
}
