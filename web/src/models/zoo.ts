/** The packaged models by name. Twin of fkd/models/zoo.py, without `research`, whose weights are for
 * research only. */

import { ModelError } from "./model_error.js";

export const PACKAGED = ["base", "nano"] as const;
export const DEFAULT = "base";

/** The bytes of a packaged model by its name, or of "detector", in the folder `weights`; or of an
 * address. Rejects with ModelError. */
export async function findModel(model: string | URL, weights: string | URL): Promise<Uint8Array> {
  const packaged = [...PACKAGED, "detector"].includes(String(model));
  const address = packaged ? `${String(weights).replace(/\/*$/, "")}/${model}.onnx` : model;
  let answer: Response;
  try {
    answer = await fetch(address);
  } catch {
    throw new ModelError(`${model}: cannot be fetched`);
  }
  if (!answer.ok) throw new ModelError(`${model}: cannot be fetched (${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
}
