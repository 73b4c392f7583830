import { beforeAll, expect, test } from "vitest";
import { ModelError, Predictor, Tracker } from "../src/index.js";
import { metadataOf } from "../src/models/onnx_file.js";
import { checked } from "../src/models/output.js";
import { predictorOf, weights } from "./answers.js";

let predictor: Predictor;

beforeAll(async () => {
  predictor = await predictorOf("nano");
});

const opened = (file: Uint8Array, options = {}) => Predictor.open(file, { detector_file: weights("detector"), ...options });

test("a file's metadata is read, and says how a crop is cut", () => {
  expect(JSON.parse(metadataOf(weights("nano")).crop!)).toEqual(predictor.info.crop);
  expect(metadataOf(weights("detector")).fkd_detector_schema).toBe("1");
});

test.each([
  ["text", new TextEncoder().encode("no model at all"), /not an ONNX model|without fkd's metadata/],
  ["nothing", new Uint8Array(), /without fkd's metadata/],
  ["a file that is cut off", weights("nano").slice(0, 100_000), /not an ONNX model/],
  ["a detector", weights("detector"), /finds faces, and no points/],
])("%s is refused as a model in one sentence", async (_, file, sentence) => {
  await expect(opened(file)).rejects.toThrow(ModelError);
  await expect(opened(file)).rejects.toThrow(sentence);
});

test("a landmark model is refused as a detector", async () => {
  await expect(opened(weights("nano"), { detector_file: weights("nano") })).rejects.toThrow(/not a face detector/);
});

test("answers that make no sense are an error", () => {
  const points = new Float32Array(136);
  expect(() => checked({ points }, 2, 96)).toThrow(/136 numbers instead of 272/);
  points[7] = NaN;
  expect(() => checked({ points }, 1, 96)).toThrow(/not all numbers from -960 to 960/);
});

test("options that are out of range are named", async () => {
  await expect(opened(weights("nano"), { min_face: 0 })).rejects.toThrow(/min_face: a positive number/);
  await expect(opened(weights("nano"), { detector: "haar" })).rejects.toThrow(/"haar" is not one of neural, none/);
  expect(() => new Tracker(predictor, { rate: 0 })).toThrow(RangeError);
  const image = { data: new Uint8Array(7), width: 2, height: 2 };
  await expect(predictor.predict(image)).rejects.toThrow(/1 or 4 bytes for each of 2x2 pixels/);
  const grey = { data: new Uint8Array(4), width: 2, height: 2 };
  await expect(predictor.predict(grey, { boxes: [[0, 0, 0, 5]] })).rejects.toThrow(/is empty/);
});
