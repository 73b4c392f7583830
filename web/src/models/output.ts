/** What a model answers to crops. Twin of fkd/models/output.py. */

import { COUNT } from "../landmarks.js";
import { ModelError } from "./model_error.js";

// Points may lie beyond the crop, but not farther than so many of its sides; degrees of a pose.
const LARGEST_REACH = 10, LARGEST_ANGLE = 360;

/** The outputs by their names in the ONNX graph, numbers by crop: points (68, 2), crop pixels;
 * confidence (68) and score (1), probabilities; visible (68), the probability that nothing hides a
 * point; depth (68), crop pixels; pose (3), degrees. Those that a model has not learned are absent. */
export interface ModelOutput {
  readonly points: Float32Array;
  readonly confidence?: Float32Array;
  readonly score?: Float32Array;
  readonly visible?: Float32Array;
  readonly depth?: Float32Array;
  readonly pose?: Float32Array;
}

export type OutputName = keyof ModelOutput;

/** Numbers for each crop. */
export const NUMBERS: Readonly<Record<OutputName, number>> = {
  points: 2 * COUNT, confidence: COUNT, score: 1, visible: COUNT, depth: COUNT, pose: 3,
};

/** What a model may answer: points alone, with confidence and score, with what it tells of the view. */
export const OUTPUTS = [1, 3, 6].map((count) => Object.keys(NUMBERS).slice(0, count) as OutputName[]);

/** Grey crops of one size -> their output. */
export type Model = (crops: readonly Uint8Array[]) => Promise<ModelOutput>;

/** The answer, when it is one to so many crops of this size. Throws ModelError. */
export function checked(output: ModelOutput, count: number, size: number): ModelOutput {
  const reach = LARGEST_REACH * size;
  const ranges: Record<OutputName, [number, number]> = {
    points: [-reach, reach], confidence: [0, 1], score: [0, 1], visible: [0, 1],
    depth: [-reach, reach], pose: [-LARGEST_ANGLE, LARGEST_ANGLE],
  };
  for (const [name, values] of Object.entries(output) as [OutputName, Float32Array][]) {
    const [low, high] = ranges[name];
    if (values.length !== count * NUMBERS[name]) {
      throw new ModelError(`the model's ${name} are ${values.length} numbers instead of ${count * NUMBERS[name]}`);
    }
    if (!values.every((value) => value >= low && value <= high)) {
      throw new ModelError(`the model's ${name} are not all numbers from ${low} to ${high}`);
    }
  }
  return output;
}
