/** The networks, away from the thread that draws. Each message asks for one thing, and is answered
 * with its number. */

import { frameRecord, photoRecord, Predictor, Tracker, useRuntime, type Image } from "../src/index.js";
import type { LiveRecord, Wanted } from "./engine.js";
import { loadNetwork, loadRuntime } from "./files.js";

export type Asked =
  | { what: "open"; model: string }
  | { what: "photo"; name: string; image: Image; wanted: Wanted; several: boolean }
  | { what: "follow"; wanted: Wanted }
  | { what: "frame"; image: Image; frame: number; seconds: number; passed: number };

const opened = new Map<string, Promise<Predictor>>();
let detector: Promise<Uint8Array> | undefined;
let runtime: Promise<void> | undefined;
let tracker: Tracker | undefined;

/** The predictor of a model, which is loaded when it is first asked for. */
function predictorOf(model: string): Promise<Predictor> {
  if (!opened.has(model)) {
    const opening = open(model);
    opened.set(model, opening);
    opening.catch(() => opened.delete(model)); // a network that is back gets another try
  }
  return opened.get(model)!;
}

async function open(model: string): Promise<Predictor> {
  runtime ??= loadRuntime().then(useRuntime);
  detector ??= loadNetwork("detector");
  try {
    const [file, detector_file] = await Promise.all([loadNetwork(model), detector, runtime]);
    return await Predictor.open(file, { detector_file });
  } catch (error) {
    runtime = detector = undefined;
    throw error;
  }
}

async function answer(asked: Asked): Promise<unknown> {
  switch (asked.what) {
    case "open":
      await predictorOf(asked.model);
      return null;
    case "photo": {
      const { model, min_face } = asked.wanted;
      const analysis = await (await predictorOf(model)).analyse(asked.image, { min_face });
      return photoRecord(asked.name, asked.image, analysis, model, asked.several);
    }
    case "follow": {
      const { model, min_face, smooth } = asked.wanted;
      tracker = new Tracker(await predictorOf(model), { min_face, smooth });
      return null;
    }
    case "frame": {
      if (!tracker) throw new Error("nothing is followed");
      const { image, frame, seconds, passed } = asked;
      const faces = await tracker.track(image, passed);
      const { detections_skipped, min_face, milliseconds } = tracker;
      const record = frameRecord(frame, seconds, faces, detections_skipped, min_face);
      return { ...record, width: image.width, height: image.height, milliseconds } satisfies LiveRecord;
    }
  }
}

onmessage = async ({ data: { number, asked } }: MessageEvent<{ number: number; asked: Asked }>) => {
  try {
    postMessage({ number, answer: await answer(asked) });
  } catch (error) {
    postMessage({ number, error: error instanceof Error ? error.message : String(error) });
  }
};
