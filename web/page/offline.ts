/** Without a network: the service worker, and what is said of it. */

import { el } from "./elements.js";

/** To be called when the first model is there, so that nothing is loaded twice. */
export async function keepOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("./sw.js");
    await navigator.serviceWorker.ready;
  } catch {
    return; // a browser that forbids it shows the page all the same
  }
  const kept = await caches.match(new URL("weights/nano.onnx", document.baseURI), { ignoreSearch: true });
  if (kept) el.offline.textContent = "Works without a network from now on.";
}
