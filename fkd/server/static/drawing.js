"use strict";

/* What is drawn on a picture. `unit`: canvas pixels of a pixel of the screen, for what must not
   become too thin or too small to be seen. */

const POINT = "#5af05a", LINE = "#3cbec8", BOX = "#28a0eb";
const READABLE = 9; // screen pixels that the digits of a point's number need

/* A picture, its faces and their marks, over a whole canvas. Returns how many faces are too small
   for the numbers of their points.
   shown: picture, answer, mirrored. choice: points, contours (null, or [first, one past the last,
   closed] of each), numbers. */
function drawPicture(canvas, { picture, answer, mirrored }, choice, unit) {
  const pen = canvas.getContext("2d");
  pen.save();
  if (mirrored) {
    pen.translate(canvas.width, 0);
    pen.scale(-1, 1);
  }
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const zoom = canvas.width / answer.width;
  const faces = answer.faces.map((face) => onCanvas(face, zoom));
  for (const face of faces) drawFace(pen, face, choice, unit);
  pen.restore();
  const upright = mirrored ? faces.map((face) => mirror(face, canvas.width)) : faces;
  if (faces.length > 1) upright.forEach((face, i) => drawName(pen, face, faceName(answer.faces[i], i), unit));
  return choice.numbers ? upright.filter((face) => !drawNumbers(pen, face, unit)).length : 0;
}

/* What a face is called: its id in a video, its place in a photo's list. */
function faceName(face, index) {
  return face.id ?? index + 1;
}

function onCanvas(face, zoom) {
  return {
    points: face.points.map(([x, y]) => [(x + 0.5) * zoom, (y + 0.5) * zoom]),
    box: face.box.map((v) => v * zoom),
  };
}

function mirror({ points, box: [x, y, width, height] }, across) {
  return {
    points: points.map(([px, py]) => [across - px, py]),
    box: [across - x - width, y, width, height],
  };
}

function drawFace(pen, { points, box }, choice, unit) {
  const width = box[2];
  pen.lineWidth = Math.max(unit, width / 140);
  pen.strokeStyle = BOX;
  pen.strokeRect(...box);
  pen.strokeStyle = LINE;
  for (const [first, end, closed] of choice.contours ?? []) {
    pen.beginPath();
    points.slice(first, end).forEach((p) => pen.lineTo(...p));
    if (closed) pen.closePath();
    pen.stroke();
  }
  if (!choice.points) return;
  pen.fillStyle = POINT;
  for (const [x, y] of points) {
    pen.beginPath();
    pen.arc(x, y, Math.max(0.7 * unit, width / 90), 0, 7);
    pen.fill();
  }
}

function drawName(pen, { box: [x, y, width] }, name, unit) {
  const size = Math.max(13 * unit, width / 8);
  write(pen, name, [x, Math.max(y - size / 5, size)], size);
}

/* Whether they are large enough to be read; else nothing is drawn. */
function drawNumbers(pen, { points, box }, unit) {
  const size = box[2] / 30; // the points of an eye are so far apart
  if (size < READABLE * unit) return false;
  points.forEach(([x, y], number) => write(pen, number, [x + size / 5, y - size / 5], size));
  return true;
}

function write(pen, text, at, size) {
  pen.font = `${size}px system-ui, sans-serif`;
  pen.lineJoin = "round";
  pen.lineWidth = size / 5;
  pen.strokeStyle = "#000";
  pen.fillStyle = "#fff";
  pen.strokeText(text, ...at);
  pen.fillText(text, ...at);
}
