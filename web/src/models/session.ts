/** Opening a model file. The only module that knows onnxruntime. Twin of fkd/models/session.py. */

import * as ort from "onnxruntime-web/wasm";
import { fromMetadata, type ModelInfo } from "./metadata.js";
import { ModelError } from "./model_error.js";
import { metadataOf } from "./onnx_file.js";
import { checked, OUTPUTS, type Model, type ModelOutput, type OutputName } from "./output.js";
import { hasSimd } from "./simd.js";

/** A model is tried when it is opened, on so many crops. */
const TRIAL_CROPS = 2;

/** Where onnxruntime's ort-wasm-simd-threaded.wasm comes from: an address or its bytes. Without a
 * call, from beside the script. To be called before the first model is opened. */
export function useRuntime(wasm: URL | ArrayBuffer): void {
  if (wasm instanceof URL) ort.env.wasm.wasmPaths = { wasm };
  else ort.env.wasm.wasmBinary = wasm;
}

/** A model file's bytes as a function of crops, and what it says about itself. Rejects with
 * ModelError. */
export async function openModel(file: Uint8Array): Promise<{ model: Model; info: ModelInfo }> {
  const info = fromMetadata(metadataOf(file));
  const session = await openSession(file);
  const names = session.outputNames as OutputName[];
  if (!OUTPUTS.some((known) => known.join() === names.join())) {
    throw new ModelError(`the model's outputs are not ${OUTPUTS.map((of) => of.join(", ")).join(", or ")}`);
  }
  const size = info.crop.size;
  const model: Model = async (crops) => {
    const pixels = new Float32Array(crops.length * size * size);
    crops.forEach((crop, i) => pixels.set(crop, i * size * size));
    const answer = await run(session, pixels, [crops.length, 1, size, size]);
    const output = Object.fromEntries(names.map((name, i) => [name, answer[i]!.data]));
    return checked(output as unknown as ModelOutput, crops.length, size);
  };
  await model(Array.from({ length: TRIAL_CROPS }, () => new Uint8Array(size * size)));
  return { model, info };
}

/** A file's graph, ready to run. Rejects with ModelError. */
export async function openSession(file: Uint8Array): Promise<ort.InferenceSession> {
  if (!hasSimd()) throw new ModelError("this browser has no WebAssembly SIMD, which the networks need");
  // More threads need a page isolated from other origins, and bring little to crops this small.
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "fatal";
  try {
    return await ort.InferenceSession.create(file, { executionProviders: ["wasm"], logSeverityLevel: 4 });
  } catch (error) {
    throw new ModelError(`the model cannot be run (${firstLine(error)})`);
  }
}

/** The outputs in the graph's order. Rejects with ModelError. */
export async function run(
  session: ort.InferenceSession, pixels: Float32Array, shape: readonly number[],
): Promise<{ data: Float32Array; dims: readonly number[] }[]> {
  const input = new ort.Tensor("float32", pixels, shape);
  try {
    const answer = await session.run({ [session.inputNames[0]!]: input });
    return session.outputNames.map((name) => {
      const { data, dims } = answer[name]!;
      if (!(data instanceof Float32Array)) throw new ModelError("the model's outputs are not floats");
      return { data, dims };
    });
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`the model cannot be run (${firstLine(error)})`);
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0]!.slice(0, 160);
}
