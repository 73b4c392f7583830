/** What is on the screen: the picture with its marks, its faces, their chips, the figures. */

import type { FaceRecord, PhotoRecord } from "../src/index.js";
import { face_chip } from "../src/inference/chip.js";
import { drawPicture, faceName, type Choice, type Shown } from "./drawing.js";
import { el } from "./elements.js";
import { pixelsOf } from "./engine.js";
import { save, saveCanvas } from "./saving.js";

const STAGE_HEIGHT = 0.75; // of the window, at most
const CHIP_SIZE = 112;
const CHIPS_EVERY = 400; // milliseconds, of a moving picture
const LISTED_EVERY = 200;

type Picture = Shown & { picture: HTMLCanvasElement };

let shown: Picture | null = null;
let chipsAt = -Infinity, listedAt = -Infinity;

/** Shows a picture and its faces. moving: whether another one follows soon. */
export function show(picture: Picture, moving: boolean): void {
  shown = picture;
  el.stage.classList.add("filled");
  el.savePicture.disabled = el.saveJson.disabled = false;
  redraw();
  const now = performance.now();
  // Elements that change sixty times a second cannot be read, and cost more than the points.
  if (!moving || now - listedAt > LISTED_EVERY) {
    listFaces(picture.faces);
    listedAt = now;
  }
  if (!moving || now - chipsAt > CHIPS_EVERY) {
    showChips();
    chipsAt = now;
  }
}

export function showMessage(text: string, wrong = false): void {
  if (el.message.textContent !== text) el.message.textContent = text; // said once by a screen reader
  el.message.classList.toggle("wrong", wrong);
}

/** How many faces, and if none, how small ones were searched for. */
export function faceCount(record: Pick<PhotoRecord, "faces" | "min_face"> & Partial<PhotoRecord>): string {
  const { faces, min_face, several_pictures } = record;
  const where = several_pictures ? " in the first picture of the file" : "";
  if (faces.length === 0) return `No face${where}, looked down to ${min_face} px.`;
  return `${faces.length === 1 ? "1 face" : `${faces.length} faces`}${where}`;
}

function choice(): Choice {
  return { points: el.points.checked, contours: el.contours.checked, numbers: el.numbers.checked };
}

/** As large as it is on the screen, so that the marks on a small picture are sharp too. */
export function redraw(): void {
  if (!shown) return;
  const { width, height } = shown.picture;
  const fit = Math.min(el.stage.clientWidth / width, (innerHeight * STAGE_HEIGHT) / height);
  const scale = Math.max(1, fit);
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (el.view.width !== across || el.view.height !== down) [el.view.width, el.view.height] = [across, down];
  el.view.style.width = `${Math.round(width * fit)}px`;
  const leftOut = drawPicture(el.view, shown, choice(), scale / fit);
  el.leftOut.textContent = leftOut ? "Numbers are left out where a face is too small for them." : "";
}

/** As large as the picture, unlike the view. */
export function savePicture(): void {
  if (!shown) return;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [shown.picture.width, shown.picture.height];
  drawPicture(canvas, shown, choice(), 1);
  saveCanvas(canvas, "fkd.png");
}

export function saveJson(record: unknown): void {
  save("fkd.json", new Blob([JSON.stringify(record, null, 1)], { type: "application/json" }));
}

function listFaces(faces: readonly FaceRecord[]): void {
  el.found.hidden = faces.length === 0;
  el.faces.replaceChildren(
    ...faces.map((face, i) => {
      const row = document.createElement("tr");
      const { confidence } = face;
      const mean = confidence && confidence.reduce((sum, one) => sum + one, 0) / confidence.length;
      for (const text of [faceName(face, i), percent(face.score), percent(mean), String(face.box[2])]) {
        row.insertCell().textContent = text;
      }
      return row;
    }),
  );
}

function percent(probability: number | null): string {
  return probability === null ? "not known" : `${(100 * probability).toFixed(0)} %`;
}

/** The faces cut out upright, each a button that saves it. */
export function showChips(): void {
  const faces = el.chipsShown.checked && shown ? shown.faces : [];
  el.chips.hidden = faces.length === 0;
  while (el.chips.children.length > faces.length) el.chips.lastElementChild!.remove();
  while (el.chips.children.length < faces.length) el.chips.append(chipButton());
  if (!shown || !faces.length) return;
  const pixels = pixelsOf(shown.picture);
  const zoom = shown.picture.width / shown.width; // a server is sent a smaller picture
  faces.forEach((face, i) => {
    const button = el.chips.children[i] as HTMLButtonElement;
    const points = face.points.map(([x, y]) => [(x + 0.5) * zoom - 0.5, (y + 0.5) * zoom - 0.5] as const);
    const chip = face_chip(pixels, points, { size: CHIP_SIZE }).pixels;
    const bytes = new Uint8ClampedArray(chip.data);
    button.querySelector("canvas")!.getContext("2d")!.putImageData(new ImageData(bytes, CHIP_SIZE), 0, 0);
    button.setAttribute("aria-label", `Save the chip of face ${faceName(face, i)}`);
  });
}

function chipButton(): HTMLButtonElement {
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  button.type = "button";
  canvas.width = canvas.height = CHIP_SIZE;
  button.append(canvas);
  button.onclick = () => saveCanvas(canvas, "fkd-chip.png");
  return button;
}

/** Names and values. The elements stay, as they change with every frame. */
export function showFigures(figures: Readonly<Record<string, string>>): void {
  const names = Object.keys(figures);
  const there = [...el.figures.querySelectorAll("dt")].map((name) => name.textContent);
  if (names.join() !== there.join()) {
    el.figures.replaceChildren(
      ...names.map((name) => {
        const box = document.createElement("div");
        box.append(Object.assign(document.createElement("dt"), { textContent: name }), document.createElement("dd"));
        return box;
      }),
    );
  }
  el.figures.querySelectorAll("dd").forEach((value, i) => (value.textContent = figures[names[i]!]!));
}

export function times(milliseconds: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(milliseconds).map(([step, ms]) => [step, `${ms.toFixed(1)} ms`]));
}
