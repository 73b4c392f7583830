/** Moving pictures: the camera, or a video file, in the page's <video>. */

const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
const LONGEST_SIDE = 1280; // of a frame that is searched; larger ones are shrunk

export const NO_CAMERA = "No camera here: browsers give it only to pages on https or localhost.";

/** What moves, in its <video>. */
export interface Moving {
  readonly kind: "camera" | "video";
  readonly video: HTMLVideoElement;
  stop(): void;
}

/** Starts the camera. Rejects with a sentence that says why it cannot. */
export async function openCamera(video: HTMLVideoElement): Promise<Moving> {
  if (!navigator.mediaDevices) {
    throw new Error(NO_CAMERA);
  }
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: CAMERA });
  } catch (error) {
    throw new Error(
      (error as DOMException).name === "NotAllowedError"
        ? "Camera access was refused; allow it in the browser's settings for this page."
        : "No camera can be used.",
    );
  }
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  try {
    video.srcObject = stream;
    await video.play();
  } catch {
    stop();
    throw new Error("The camera gives no picture.");
  }
  return { kind: "camera", video, stop };
}

/** Starts a video file. Rejects with a sentence that says why it cannot. */
export async function openVideo(video: HTMLVideoElement, file: File): Promise<Moving> {
  const address = URL.createObjectURL(file);
  const stop = () => {
    video.pause();
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  };
  try {
    video.src = address;
    await video.play();
  } catch {
    stop();
    throw new Error(`${file.name} is not a video that this browser can show.`);
  }
  return { kind: "video", video, stop };
}

/** The frames of a moving picture, each drawn when it is asked for; one that was not asked for in
 * time is passed over. */
export class Frames {
  // One is shown while the next is searched.
  readonly #canvases = [document.createElement("canvas"), document.createElement("canvas")];
  #arrived = false;
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(readonly moving: Moving) {
    for (const canvas of this.#canvases) canvas.getContext("2d", { willReadFrequently: true });
    this.#listen();
  }

  /** The next frame and its time, seconds; null after `end`. */
  async next(): Promise<{ canvas: HTMLCanvasElement; seconds: number } | null> {
    while (!this.#arrived && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#ended) return null;
    this.#arrived = false;
    const { video, kind } = this.moving;
    this.#canvases.reverse();
    const canvas = this.#canvases[0]!;
    const zoom = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
    const [width, height] = [Math.round(video.videoWidth * zoom), Math.round(video.videoHeight * zoom)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    canvas.getContext("2d")!.drawImage(video, 0, 0, width, height);
    return { canvas, seconds: kind === "video" ? video.currentTime : performance.now() / 1000 };
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  #listen(): void {
    const { video } = this.moving;
    const again = () => {
      if (this.#ended) return;
      this.#arrived = video.videoWidth > 0;
      this.#wake?.();
      this.#listen();
    };
    // Where there is none, a frame may be searched twice.
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(again);
    else requestAnimationFrame(again);
  }
}
