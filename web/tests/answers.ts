/** What Python answers: the files that `python -m tools.web_answers` writes. */

import { readFileSync } from "node:fs";
import { Predictor, useRuntime, type Box, type FaceRecord, type FrameRecord, type Image, type PhotoRecord, type Point } from "../src/index.js";

const FOLDER = new URL("../build/answers/", import.meta.url);
const WEIGHTS = new URL("../../fkd/models/weights/", import.meta.url);
const WASM = new URL("../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", import.meta.url);

interface Raw {
  file: string;
  width: number;
  height: number;
}

export type ModelName = "nano" | "base";

export interface Answers {
  photos: { file: string; pixels: Raw; answers: Record<ModelName, PhotoRecord> }[];
  arithmetic: {
    resized: { way: "linear" | "area"; from: Raw; to: Raw }[];
    colour: Raw;
    grey: Raw;
    crops: { box: Box; angle: number; to: Raw; transform: number[] }[];
    appearance: number[];
  };
  video: { frames: Raw[]; records: FrameRecord[] };
  chips: { template: "eyes" | "arcface" | "dlib"; points: Point[]; to: Raw }[];
}

export const answers = JSON.parse(readFileSync(new URL("answers.json", FOLDER), "utf8")) as Answers;

export function imageOf({ file, width, height }: Raw): Image {
  return { data: new Uint8Array(readFileSync(new URL(file, FOLDER))), width, height };
}

export function weights(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.onnx`, WEIGHTS)));
}

export async function predictorOf(name: ModelName): Promise<Predictor> {
  useRuntime(new Uint8Array(readFileSync(WASM)).buffer);
  return Predictor.open(weights(name), { detector_file: weights("detector") });
}

/** How far two lists of faces of one picture differ, at most: pixels between points, boxes and
 * depths, probabilities, degrees. Infinite where one has a face that the other has not. */
export interface Difference {
  points: number;
  box: number;
  score: number;
  visible: number;
  depth: number;
  pose: number;
}

export function differences(found: readonly FaceRecord[], expected: readonly FaceRecord[]): Difference[] {
  const unmatched = [...found];
  const pairs = expected.map((face) => {
    const near = [...unmatched].sort((a, b) => apart(a.box, face.box) - apart(b.box, face.box))[0];
    if (near) unmatched.splice(unmatched.indexOf(near), 1);
    return near ? differenceOf(near, face) : NONE;
  });
  return [...pairs, ...unmatched.map(() => NONE)];
}

const NONE: Difference = {
  points: Infinity, box: Infinity, score: Infinity, visible: Infinity, depth: Infinity, pose: Infinity,
};

function differenceOf(face: FaceRecord, expected: FaceRecord): Difference {
  const points = face.points.map(([x, y], i) =>
    Math.hypot(x - expected.points[i]![0], y - expected.points[i]![1]),
  );
  return {
    points: Math.max(...points),
    box: apart(face.box, expected.box),
    score: most([face.score ?? 0], [expected.score ?? 0]),
    visible: most(face.visible ?? [], expected.visible ?? []),
    depth: most(face.depth ?? [], expected.depth ?? []),
    pose: most(Object.values(face.pose ?? {}), Object.values(expected.pose ?? {})),
  };
}

function most(values: readonly number[], expected: readonly number[]): number {
  if (values.length !== expected.length) return Infinity;
  return Math.max(0, ...values.map((value, i) => Math.abs(value - expected[i]!)));
}

function apart(first: Box, second: Box): number {
  return most(first, second);
}

/** The largest differences, as a line. */
export function summary(photos: number, of: readonly Difference[]): string {
  const largest = Object.keys(NONE).map((name) => {
    const values = of.map((one) => one[name as keyof Difference]);
    return `${name} ${Math.max(...values).toFixed(4)}`;
  });
  return `${photos} photos, ${of.length} faces; largest differences: ${largest.join(", ")}`;
}
