/** What is drawn on a picture. `unit`: canvas pixels of a pixel of the screen, for what must not
 * become too thin or too small to be seen. */

import type { Box, FaceRecord, Point } from "../src/index.js";
import { CONTOURS } from "../src/landmarks.js";

const POINT = "#5af05a", HIDDEN = "#faa046", LINE = "#3cbec8", BOX = "#28a0eb";
const READABLE = 9; // screen pixels that the digits of a point's number need
const SEEN = 0.5; // a point that is seen with less than this probability is drawn as a ring

export interface Choice {
  points: boolean;
  contours: boolean;
  numbers: boolean;
}

/** A picture and the faces that were found in it. width: of the picture that was searched. */
export interface Shown {
  picture: CanvasImageSource & { width: number; height: number };
  width: number;
  faces: readonly FaceRecord[];
  mirrored: boolean;
}

interface OnCanvas {
  points: Point[];
  box: Box;
  visible: readonly number[] | null;
}

/** A picture, its faces and their marks, over a whole canvas. Returns how many faces are too small
 * for the numbers of their points. */
export function drawPicture(canvas: HTMLCanvasElement, shown: Shown, choice: Choice, unit: number): number {
  const pen = canvas.getContext("2d")!;
  pen.save();
  if (shown.mirrored) {
    pen.translate(canvas.width, 0);
    pen.scale(-1, 1);
  }
  pen.drawImage(shown.picture, 0, 0, canvas.width, canvas.height);
  const faces = shown.faces.map((face) => onCanvas(face, canvas.width / shown.width));
  for (const face of faces) drawFace(pen, face, choice, unit);
  pen.restore();
  const upright = shown.mirrored ? faces.map((face) => mirror(face, canvas.width)) : faces;
  if (faces.length > 1) {
    upright.forEach((face, i) => drawName(pen, face, faceName(shown.faces[i]!, i), unit));
  }
  return choice.numbers ? upright.filter((face) => !drawNumbers(pen, face, unit)).length : 0;
}

/** What a face is called: its id in a video, its place in a photo's list. */
export function faceName(face: FaceRecord, index: number): string {
  return String(face.id ?? index + 1);
}

function onCanvas({ points, box, visible }: FaceRecord, zoom: number): OnCanvas {
  return {
    points: points.map(([x, y]) => [(x + 0.5) * zoom, (y + 0.5) * zoom]),
    box: box.map((value) => value * zoom) as unknown as Box,
    visible,
  };
}

function mirror({ points, box: [x, y, width, height], visible }: OnCanvas, across: number): OnCanvas {
  return {
    points: points.map(([px, py]) => [across - px, py]),
    box: [across - x - width, y, width, height],
    visible,
  };
}

function drawFace(pen: CanvasRenderingContext2D, { points, box, visible }: OnCanvas, choice: Choice, unit: number): void {
  const width = box[2];
  pen.lineWidth = Math.max(unit, width / 140);
  pen.strokeStyle = BOX;
  pen.strokeRect(...box);
  pen.strokeStyle = LINE;
  for (const [first, end, closed] of choice.contours ? CONTOURS : []) {
    pen.beginPath();
    points.slice(first, end).forEach((place) => pen.lineTo(...place));
    if (closed) pen.closePath();
    pen.stroke();
  }
  if (!choice.points) return;
  pen.fillStyle = POINT;
  pen.strokeStyle = HIDDEN;
  const radius = Math.max(0.7 * unit, width / 90);
  points.forEach(([x, y], i) => {
    const hidden = visible !== null && visible[i]! < SEEN;
    pen.beginPath();
    pen.arc(x, y, hidden ? 2 * radius : radius, 0, 7);
    if (hidden) pen.stroke();
    else pen.fill();
  });
}

function drawName(pen: CanvasRenderingContext2D, { box: [x, y, width] }: OnCanvas, name: string, unit: number): void {
  const size = Math.max(13 * unit, width / 8);
  write(pen, name, x, Math.max(y - size / 5, size), size);
}

/** Whether they are large enough to be read; else nothing is drawn. */
function drawNumbers(pen: CanvasRenderingContext2D, { points, box }: OnCanvas, unit: number): boolean {
  const size = box[2] / 30; // the points of an eye are so far apart
  if (size < READABLE * unit) return false;
  points.forEach(([x, y], number) => write(pen, String(number), x + size / 5, y - size / 5, size));
  return true;
}

function write(pen: CanvasRenderingContext2D, text: string, x: number, y: number, size: number): void {
  pen.font = `${size}px system-ui, sans-serif`;
  pen.lineJoin = "round";
  pen.lineWidth = size / 5;
  pen.strokeStyle = "#000";
  pen.fillStyle = "#fff";
  pen.strokeText(text, x, y);
  pen.fillText(text, x, y);
}
