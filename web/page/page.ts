/** The page: what the person chooses, and what happens then. */

import type { PhotoRecord } from "../src/index.js";
import { readImage } from "../src/io/images.js";
import { hasSimd } from "../src/models/simd.js";
import { DeviceEngine } from "./device_engine.js";
import { el } from "./elements.js";
import type { Engine, Following, LiveRecord, Wanted } from "./engine.js";
import { Frames, NO_CAMERA, openCamera, openVideo, type Moving } from "./moving.js";
import { keepOffline } from "./offline.js";
import { ServerEngine } from "./server_engine.js";
import { faceCount, redraw, saveJson, savePicture, show, showChips, showFigures, showMessage, times } from "./stage.js";

const RATE_SPAN = 2000; // milliseconds over which frames are counted
const AFTER_REFUSAL = 1000; // milliseconds that a busy server is given

const SMALLEST_FACE = "the smallest face is a whole number of pixels from 1 to 100,000";

const engines: Engine[] = [];
let arrived!: () => void;
const anEngine = new Promise<void>((resolve) => (arrived = resolve)); // what is chosen before waits for it
let photo: File | null = null; // that is shown; null for a camera's or a video's picture
let moving: Moving | null = null;
let frames: Frames | null = null;
let saved: PhotoRecord | LiveRecord | null = null;
let turns = 0; // how often something was started; what an older turn finds is dropped

/** The engines of this page: a server says what it has, and a static folder has a file that does. */
async function start(): Promise<void> {
  const here = await fetch("engines.json").then((answer) => answer.json()).catch(() => ({ server: true }));
  const device = here.device && hasSimd() ? new DeviceEngine() : null;
  if (device) offer(device);
  const server = here.server ? await ServerEngine.find().catch(() => null) : null;
  if (server) offer(server);
  if (!engines.length) return withoutEngine(here.server);
  if (!navigator.mediaDevices) showMessage(NO_CAMERA, true);
  // Who serves another model than those that are here wants to see it.
  if (device && server && !device.models.includes(server.models[0]!)) {
    el.engine.value = server.label;
    showEngine();
    askAgain();
  }
  if (!device || chosen() !== device) return;
  const loading = "Loading the networks…";
  if (!el.message.textContent) showMessage(loading);
  await device.open(device.models[0]!);
  if (el.message.textContent === loading) showMessage("");
  await keepOffline();
}

function withoutEngine(serverIsAway: boolean): void {
  for (const control of [el.camera, el.file, el.model]) control.disabled = true;
  const simd = "This browser has no WebAssembly SIMD, which the networks need; a newer browser has.";
  showMessage(serverIsAway ? "The server does not respond." : simd, true);
}

/** One more engine to choose; the first is chosen. */
function offer(engine: Engine): void {
  engines.push(engine);
  el.engine.add(new Option(engine.label));
  el.engineChoice.hidden = engines.length < 2;
  if (engine instanceof ServerEngine) el.serverLinks.hidden = false;
  if (engine === chosen()) showEngine();
  arrived();
}

/** The models of the chosen engine, and where pictures go. */
function showEngine(): void {
  const { models, promise } = chosen()!;
  const before = el.model.value;
  el.model.replaceChildren(...models.map((model) => new Option(model)));
  if (models.includes(before)) el.model.value = before;
  el.promise.textContent = promise;
  void showLicence();
}

function chosen(): Engine | undefined {
  return engines[el.engine.selectedIndex];
}

/** Raises an Error where that is not what can be asked for. */
function wanted(): Wanted {
  if (!el.minFace.validity.valid) throw new Error(SMALLEST_FACE);
  return {
    model: el.model.value,
    min_face: el.minFace.value === "" ? null : Number(el.minFace.value),
    smooth: el.smooth.checked,
  };
}

async function showLicence(): Promise<void> {
  const model = el.model.value;
  const notice = await chosen()?.notice(model).catch(() => null);
  if (model === el.model.value) el.licence.textContent = notice ? `Weights of ${model}: ${notice}.` : "";
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
    await anEngine;
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
  let following: Following | null = null;
  try {
    await anEngine;
    following = await chosen()!.follow(wanted());
    const answered: number[] = [];
    for (let frame = await current.next(); frame && own === turns; frame = await current.next()) {
      const answer = await following.next(frame.canvas, frame.seconds);
      if (own !== turns) break;
      if ("error" in answer) {
        showMessage(`Error: ${answer.error}.`, true);
        await new Promise((resolve) => setTimeout(resolve, AFTER_REFUSAL));
        continue;
      }
      saved = answer;
      const mirrored = camera && el.mirror.checked;
      show({ picture: frame.canvas, width: answer.width, faces: answer.faces, mirrored }, true);
      showRate(answered, answer);
      if (answer.faces.length) performance.mark("points");
    }
  } catch (error) {
    if (own !== turns) return;
    stop();
    showMessage(`Error: ${(error as Error).message}.`, true);
  } finally {
    following?.stop();
  }
}

function showRate(answered: number[], record: LiveRecord): void {
  const now = performance.now();
  answered.push(now);
  while (now - answered[0]! > RATE_SPAN) answered.shift();
  const span = (now - answered[0]!) / 1000;
  const rate = span > 0 ? (answered.length - 1) / span : 0;
  showFigures({ "frames per second": rate.toFixed(1), ...times(record.milliseconds) });
  if (!moving?.video.ended) showMessage(faceCount(record));
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
  if (el.file.disabled) return;
  if (file.type.startsWith("video/")) void startMoving(() => openVideo(el.video, file));
  else void analysePhoto(file);
}

function askAgain(): void {
  if (!el.minFace.validity.valid) return showMessage(`Error: ${SMALLEST_FACE}.`, true);
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
el.engine.onchange = () => (showEngine(), askAgain());
for (const kind of ["dragover", "dragleave", "drop"] as const) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    el.stage.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer?.files[0]) open(event.dataTransfer.files[0]);
  });
}

start().catch((error: Error) => showMessage(`Error: ${error.message}.`, true));
