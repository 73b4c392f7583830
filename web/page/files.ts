/** The large files, for the worker: networks and onnxruntime. What was fetched once is kept for when
 * there is no network; a file that has changed has another address. */

// Addresses, from the build.
declare const WEIGHTS: Readonly<Record<string, string>>;
declare const RUNTIME: string;

const FOLDER = new URL("../", location.href);

/** The bytes of a packaged network, by its name. Rejects with a sentence where it cannot be fetched. */
export function loadNetwork(name: string): Promise<Uint8Array> {
  return load(WEIGHTS[name]!);
}

/** onnxruntime's WebAssembly. */
export async function loadRuntime(): Promise<ArrayBuffer> {
  const packed = await load(RUNTIME);
  const unpacked = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
}

async function load(address: string): Promise<Uint8Array> {
  const full = new URL(address, FOLDER);
  const kept = await cache();
  const before = await kept?.match(full);
  if (before) return new Uint8Array(await before.arrayBuffer());
  const answer = await fetch(full).catch(() => null);
  if (!answer?.ok) throw new Error(`${full.pathname.split("/").at(-1)} cannot be loaded; is there a network?`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  // A full disk, or a browser that keeps nothing for this page, only costs another load.
  await kept?.put(full, new Response(bytes)).catch(() => undefined);
  return bytes;
}

/** Not on pages without https, and not where storage is forbidden. */
async function cache(): Promise<Cache | null> {
  // As service_worker.js calls it.
  return "caches" in globalThis ? caches.open("fkd-large").catch(() => null) : null;
}
