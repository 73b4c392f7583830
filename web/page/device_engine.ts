/** The networks on this device, in a worker. */

import type { Image, PhotoRecord } from "../src/index.js";
import { pixelsOf, type Engine, type Following, type LiveRecord, type Wanted } from "./engine.js";
import type { Asked } from "./worker.js";

declare const BUILD: string; // of the page, from Vite: a worker of another build may not understand it

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

export class DeviceEngine implements Engine {
  readonly label = "this device";
  readonly promise = "68 facial keypoints, live. Pictures never leave this device.";
  readonly models = ["nano", "base"]; // the smallest first
  readonly #worker = new Worker(new URL(`device/worker-${BUILD}.js`, document.baseURI), { type: "module" });
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #broken: Error | null = null;

  constructor() {
    this.#worker.onmessage = ({ data: { number, answer, error } }) => {
      const waiting = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(error));
    };
    this.#worker.onerror = ({ message }) => {
      this.#broken = new Error(message || "what computes on this device cannot be loaded");
      for (const { reject } of this.#waiting.values()) reject(this.#broken);
      this.#waiting.clear();
    };
  }

  /** Loads a model, so that the first picture does not wait for it. */
  async open(model: string): Promise<void> {
    await this.#ask({ what: "open", model });
  }

  async notice(): Promise<null> {
    return null;
  }

  async photo(file: Blob, name: string, image: Image, wanted: Wanted): Promise<PhotoRecord> {
    const several = await hasSeveralPictures(file);
    const asked: Asked = { what: "photo", name, image, wanted, several };
    return (await this.#ask(asked)) as PhotoRecord;
  }

  async follow(wanted: Wanted): Promise<Following> {
    await this.#ask({ what: "follow", wanted });
    let frame = 0, before = 0;
    return {
      next: async (canvas, seconds) => {
        const { data, width, height } = pixelsOf(canvas);
        const passed = frame ? Math.max(seconds - before, 1e-3) : 0; // 0: the tracker's own choice
        before = seconds;
        const asked: Asked = { what: "frame", image: { data, width, height }, frame: frame++, seconds, passed };
        return (await this.#ask(asked, [data.buffer])) as LiveRecord;
      },
      stop: () => undefined,
    };
  }

  #ask(asked: Asked, moved: Transferable[] = []): Promise<unknown> {
    if (this.#broken) return Promise.reject(this.#broken);
    const number = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, asked }, moved);
    });
  }
}

/** Whether a file has more pictures than the first, as far as this browser tells. */
async function hasSeveralPictures(file: Blob): Promise<boolean> {
  if (typeof ImageDecoder !== "function") return false;
  const decoder = new ImageDecoder({ data: file.stream(), type: file.type });
  try {
    await decoder.tracks.ready;
    await decoder.completed;
    return (decoder.tracks.selectedTrack?.frameCount ?? 1) > 1;
  } catch {
    return false; // of a kind that only `createImageBitmap` knows
  } finally {
    decoder.close();
  }
}
