/** What finds the faces: this device, or a server. */

import type { FrameRecord, Image, PhotoRecord } from "../src/index.js";

/** What the person chose. min_face: null for any. */
export interface Wanted {
  model: string;
  min_face: number | null;
  smooth: boolean;
}

/** width, height: of the frame, pixels; milliseconds: of each step. */
export interface LiveRecord extends FrameRecord {
  width: number;
  height: number;
  milliseconds: Readonly<Record<string, number>>;
}

/** Why a frame was not searched; the next one may be. */
export interface Refused {
  error: string;
}

/** A camera or a video that is being followed. Only one frame is on its way at a time. */
export interface Following {
  /** seconds: since the start. */
  next(frame: HTMLCanvasElement, seconds: number): Promise<LiveRecord | Refused>;
  stop(): void;
}

/** A way to find faces. What it is asked for rejects with an Error whose message is a sentence. */
export interface Engine {
  readonly label: string;
  readonly promise: string;
  readonly models: readonly string[];
  /** The licence of a model's weights where it is not that of the code. */
  notice(model: string): Promise<string | null>;
  photo(file: Blob, name: string, picture: Image, wanted: Wanted): Promise<PhotoRecord>;
  follow(wanted: Wanted): Promise<Following>;
}

/** The pixels of a canvas. */
export function pixelsOf(canvas: HTMLCanvasElement): ImageData {
  return canvas.getContext("2d", { willReadFrequently: true })!.getImageData(0, 0, canvas.width, canvas.height);
}
