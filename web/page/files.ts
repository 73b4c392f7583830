/** The large files: networks and onnxruntime. What was fetched once is kept for when there is no
 * network. */

import base from "../../fkd/models/weights/base.onnx?url";
import detector from "../../fkd/models/weights/detector.onnx?url";
import nano from "../../fkd/models/weights/nano.onnx?url";
import runtime from "../build/onnxruntime.bin?url";

const KEPT = "fkd-large"; // as service_worker.js calls it
const ADDRESSES: Readonly<Record<string, string>> = { nano, base, detector };

/** The models that are offered, the smallest first. */
export const MODELS = ["nano", "base"];

export function addressOf(model: string): string {
  return ADDRESSES[model]!;
}

/** The bytes of a file of this page. Rejects with a sentence where it cannot be fetched. */
export async function loadFile(address: string): Promise<Uint8Array> {
  const full = new URL(address, import.meta.url).href;
  const kept = await cache();
  const before = await kept?.match(full);
  if (before) return new Uint8Array(await before.arrayBuffer());
  const answer = await fetch(full).catch(() => null);
  if (!answer?.ok) throw new Error(`${full.split("/").at(-1)} cannot be loaded; is there a network?`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  // A full disk, or a browser that keeps nothing for this page, only costs another load.
  await kept?.put(full, new Response(bytes)).catch(() => undefined);
  return bytes;
}

/** Whether a file has been kept. */
export async function isKept(model: string): Promise<boolean> {
  return Boolean(await (await cache())?.match(new URL(addressOf(model), import.meta.url).href));
}

/** Not on pages without https, and not where storage is forbidden. */
async function cache(): Promise<Cache | null> {
  return "caches" in globalThis ? caches.open(KEPT).catch(() => null) : null;
}

/** onnxruntime's WebAssembly. */
export async function loadRuntime(): Promise<ArrayBuffer> {
  const packed = await loadFile(runtime);
  const unpacked = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
}
