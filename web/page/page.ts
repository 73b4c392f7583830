/** The page: what the person chooses, and what happens then. */

import { hasSimd, readImage, type PhotoRecord } from "../src/index.js";
import { DeviceEngine } from "./device_engine.js";
import { el } from "./elements.js";
import type { Engine, LiveRecord, Wanted } from "./engine.js";
import { Frames, openCamera, openVideo, type Moving } from "./moving.js";
import { keepOffline } from "./offline.js";
import { serverEngine } from "./server_engine.js";
import { redraw, saveJson, savePicture, show, showChips, showFigures, showMessage, times } from "./stage.js";

const RATE_SPAN = 2000; // milliseconds over which frames are counted

const engines: Engine[] = [];
let photo: File | null = null; // that is shown; null for a camera's or a video's picture
let moving: Moving | null = null;
let frames: Frames | null = null;
let saved: PhotoRecord | LiveRecord | null = null;
let turns = 0; // how often something was started; what an older turn finds is dropped

async function start(): Promise<void> {
  let device: DeviceEngine | null = null;
  if (hasSimd()) engines.push((device = new DeviceEngine()));
  const server = serverEngine();
  if (device) await offer();
  const found = await server;
  if (found) engines.push(found);
  if (found || !device) await offer();
  if (!engines.length) return withoutEngine();
  if (!device) return;
  if (!saved && !moving) showMessage("Loading the networks…");
  await device.open(device.models[0]!);
  if (!saved && !moving) showMessage("");
  await keepOffline();
}

function withoutEngine(): void {
  for (const control of [el.camera, el.file, el.model]) control.disabled = true;
  showMessage("This browser has no WebAssembly SIMD, which the networks need; a newer browser has.", true);
}

/** The engines and the models of the chosen one. */
async function offer(): Promise<void> {
  el.engineChoice.hidden = engines.length < 2;
  const labels = engines.map(({ label }) => label);
  if (el.engine.options.length !== labels.length) el.engine.replaceChildren(...labels.map((label) => new Option(label)));
  const engine = chosen();
  if (!engine) return;
  const before = el.model.value;
  el.model.replaceChildren(...engine.models.map((model) => new Option(model)));
  if (engine.models.includes(before)) el.model.value = before;
  el.promise.textContent = engine.promise;
  await showLicence();
}

function chosen(): Engine | undefined {
  return engines[Math.max(0, el.engine.selectedIndex)];
}

function wanted(): Wanted {
  return {
    model: el.model.value,
    min_face: el.minFace.value === "" ? null : Number(el.minFace.value),
    smooth: el.smooth.checked,
  };
}

async function showLicence(): Promise<void> {
  const model = el.model.value;
  const notice = await chosen()?.notice(model).catch(() => null);
  el.licence.textContent = notice ? `Weights of ${model}: ${notice}.` : "";
}

/* One photo */

async function analysePhoto(file: File): Promise<void> {
  stop();
  const own = ++turns;
  photo = file;
  let pixels: ImageData;
  try {
    pixels = await readImage(file);
  } catch {
    return showMessage(`${file.name} is not a picture that this browser can show.`, true);
  }
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [pixels.width, pixels.height];
  picture.getContext("2d", { willReadFrequently: true })!.putImageData(pixels, 0, 0);
  showMessage("Analysing…");
  try {
    const record = await chosen()!.photo(file, file.name, pixels, wanted());
    if (own !== turns) return;
    saved = record;
    show({ picture, width: record.width, faces: record.faces, mirrored: false }, false);
    showFigures(times(record.milliseconds));
    showMessage(faceCount(record));
    performance.mark("points");
  } catch (error) {
    if (own === turns) showMessage(`Error: ${(error as Error).message}.`, true);
  }
}

function faceCount({ faces, min_face, several_pictures }: PhotoRecord): string {
  const where = several_pictures ? " in the first picture of the file" : "";
  if (faces.length === 0) return `No face${where}, looked down to ${min_face} px.`;
  return `${faces.length === 1 ? "1 face" : `${faces.length} faces`}${where}`;
}

/* The camera, and videos */

async function startMoving(open: () => Promise<Moving>): Promise<void> {
  stop();
  const own = ++turns;
  photo = null;
  showMessage("Starting…");
  let opened: Moving;
  try {
    opened = await open();
  } catch (error) {
    if (own === turns) showMessage((error as Error).message, true);
    return;
  }
  if (own !== turns) return opened.stop();
  moving = opened;
  el.pause.disabled = false;
  showPressed();
  opened.video.onended = () => showMessage("The video has ended.");
  await follow();
}

/** Follows the faces of what moves until something else is started. */
async function follow(): Promise<void> {
  if (!moving) return;
  frames?.end();
  const own = ++turns;
  const current = (frames = new Frames(moving));
  const camera = moving.kind === "camera";
  try {
    const following = await chosen()!.follow(wanted());
    const answered: number[] = [];
    for (let frame = await current.next(); frame && own === turns; frame = await current.next()) {
      const record = await following.next(frame.canvas, frame.seconds);
      if (own !== turns) break;
      saved = record;
      const mirrored = camera && el.mirror.checked;
      show({ picture: frame.canvas, width: record.width, faces: record.faces, mirrored }, true);
      showRate(answered, record);
      if (record.faces.length) performance.mark("points");
    }
    following.stop();
  } catch (error) {
    if (own !== turns) return;
    stop();
    showMessage(`Error: ${(error as Error).message}.`, true);
  }
}

function showRate(answered: number[], { milliseconds, faces }: LiveRecord): void {
  const now = performance.now();
  answered.push(now);
  while (now - answered[0]! > RATE_SPAN) answered.shift();
  const span = (now - answered[0]!) / 1000;
  const rate = span > 0 ? (answered.length - 1) / span : 0;
  showFigures({ "frames per second": rate.toFixed(1), ...times(milliseconds) });
  if (!moving?.video.ended) showMessage(faces.length === 1 ? "1 face" : faces.length ? `${faces.length} faces` : "No face");
}

function stop(): void {
  turns += 1;
  frames?.end();
  moving?.stop();
  moving = frames = null;
  el.pause.disabled = true;
  showPressed();
}

function showPressed(): void {
  const camera = moving?.kind === "camera";
  const paused = moving !== null && moving.video.paused;
  el.camera.textContent = camera ? "Stop camera" : "Start camera";
  el.camera.setAttribute("aria-pressed", String(camera));
  el.pause.textContent = paused ? "Go on" : "Pause";
  el.pause.setAttribute("aria-pressed", String(paused));
}

function pause(): void {
  if (!moving) return;
  const { video } = moving;
  if (video.paused) void video.play().then(showPressed);
  else video.pause();
  showPressed();
}

/* Controls */

function open(file: File): void {
  if (!engines.length) return;
  if (file.type.startsWith("video/")) void startMoving(() => openVideo(el.video, file));
  else void analysePhoto(file);
}

function askAgain(): void {
  if (el.minFace.value !== "" && !(Number.isInteger(el.minFace.valueAsNumber) && el.minFace.valueAsNumber > 0)) {
    return showMessage("The smallest face is a whole number of pixels from 1.", true);
  }
  if (moving) void follow();
  else if (photo) void analysePhoto(photo);
}

el.camera.onclick = () =>
  moving?.kind === "camera" ? (stop(), showMessage("")) : void startMoving(() => openCamera(el.video));
el.pause.onclick = pause;
el.file.onchange = () => el.file.files?.[0] && open(el.file.files[0]);
el.savePicture.onclick = savePicture;
el.saveJson.onclick = () => saveJson(saved);
for (const box of [el.points, el.contours, el.numbers]) box.onchange = redraw;
el.chipsShown.onchange = showChips;
window.onresize = redraw;
for (const control of [el.model, el.minFace, el.smooth]) control.addEventListener("change", askAgain);
el.model.addEventListener("change", () => void showLicence());
el.engine.onchange = () => void offer().then(askAgain);
for (const kind of ["dragover", "dragleave", "drop"] as const) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    el.stage.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer?.files[0]) open(event.dataTransfer.files[0]);
  });
}

start().catch((error: Error) => showMessage(`Error: ${error.message}.`, true));
