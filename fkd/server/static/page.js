"use strict";

const el = Object.fromEntries([...document.querySelectorAll("[id]")].map((e) => [e.id, e]));
const sent = document.createElement("canvas"); // the frame that the next answer belongs to
const FRAME_WIDTH = 640;
const STAGE_HEIGHT = 0.75; // of the window, at most

let contours = []; // [first, one past last, closed], from the server
let last = null; // the picture and the answer that are shown
let photo = null; // the file of the picture that is shown; null for a camera's
let live = null; // the camera's stream and the socket while they run

async function start() {
  const info = await (await fetch("v1/model")).json();
  contours = info.contours;
  for (const name of info.models) el.model.add(new Option(name, name));
  await showLicence();
  if (!navigator.mediaDevices) {
    showMessage("No camera here: browsers give it only to pages on https or localhost.", true);
  }
}

async function showLicence() {
  const name = el.model.value;
  const info = await (await fetch(`v1/model?model=${encodeURIComponent(name)}`)).json();
  el.licence.textContent = info.notice ? `Weights of ${name}: ${info.notice}.` : "";
}

function showMessage(text, wrong = false) {
  el.message.textContent = text;
  el.message.classList.toggle("wrong", wrong);
}

/* The picture and its faces */

function show(picture, answer, mirrored) {
  last = { picture, answer, mirrored };
  el.stage.classList.add("filled");
  el["save-picture"].disabled = el["save-json"].disabled = false;
  redraw();
  showFaces(answer.faces);
  showMessage(faceCount(answer));
}

/* What the server is asked for beside the picture. */
function query() {
  const asked = { model: el.model.value, min_face: el["min-face"].value };
  return new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
}

function choice() {
  return {
    points: el.points.checked,
    contours: el.contours.checked ? contours : null,
    numbers: el.numbers.checked,
  };
}

/* As large as it is on the screen, so that the marks on a small picture are sharp too. */
function redraw() {
  if (!last) return;
  const { width, height } = last.picture;
  const fit = Math.min(el.stage.clientWidth / width, (innerHeight * STAGE_HEIGHT) / height);
  const scale = Math.max(1, fit);
  el.view.width = Math.round(width * scale);
  el.view.height = Math.round(height * scale);
  el.view.style.width = `${Math.round(width * fit)}px`;
  const leftOut = drawPicture(el.view, last, choice(), scale / fit);
  el["left-out"].textContent = leftOut ? "Numbers are left out where a face is too small for them." : "";
}

function showFaces(faces) {
  el.found.hidden = faces.length === 0;
  el.faces.replaceChildren(...faces.map((face, i) => {
    const row = document.createElement("tr");
    const mean = face.confidence && face.confidence.reduce((a, b) => a + b) / face.confidence.length;
    for (const text of [faceName(face, i), percent(face.score), percent(mean), face.box[2]]) {
      row.insertCell().textContent = text;
    }
    return row;
  }));
}

function percent(probability) {
  return probability === null ? "not known" : `${(100 * probability).toFixed(0)} %`;
}

function showFigures(figures) {
  el.figures.replaceChildren(
    ...Object.entries(figures).map(([name, value]) => {
      const box = document.createElement("div");
      for (const [tag, text] of [["dt", name], ["dd", value]]) {
        box.append(Object.assign(document.createElement(tag), { textContent: text }));
      }
      return box;
    }),
  );
}

function times(milliseconds) {
  return Object.fromEntries(
    Object.entries(milliseconds).map(([step, ms]) => [step, `${ms.toFixed(1)} ms`]),
  );
}

function faceCount({ faces, min_face, several_pictures }) {
  const where = several_pictures ? " in the first picture of the file" : "";
  if (faces.length === 0) return `No face${where}, looked down to ${min_face} px.`;
  return `${faces.length === 1 ? "1 face" : `${faces.length} faces`}${where}`;
}

/* One photo */

async function analysePhoto(file) {
  stopCamera();
  photo = file;
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return showMessage(`${file.name} is not a picture that this browser can show.`, true);
  }
  showMessage("Analysing…");
  try {
    const response = await fetch(`v1/landmarks?${query()}`, { method: "POST", body: file });
    const answer = await response.json();
    if (!response.ok) return showMessage(`Error: ${answer.error}.`, true);
    show(picture, answer, false);
    showFigures(times(answer.milliseconds));
  } catch {
    showMessage("The server does not respond.", true);
  }
}

/* The camera */

let starts = 0; // how often a camera or a photo was started; an older start is given up

async function startCamera() {
  const own = ++starts;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: FRAME_WIDTH, height: 480 } });
  } catch (error) {
    const refused = error.name === "NotAllowedError";
    return showMessage(refused
      ? "Camera access was refused; allow it in the browser's settings for this page."
      : "No camera can be used.", true);
  }
  const release = () => stream.getTracks().forEach((track) => track.stop());
  if (own !== starts) return release();
  try {
    el.video.srcObject = stream;
    await el.video.play();
  } catch {
    release();
    return showMessage("The camera gives no picture.", true);
  }
  if (own !== starts) return release();
  const address = new URL("v1/stream", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.search = `${query()}&smooth=${el.smooth.checked}`;
  const socket = new WebSocket(address);
  const run = (live = { stream, socket, answers: [] });
  socket.onopen = () => sendFrame(run);
  socket.onmessage = (event) => run === live && showAnswer(JSON.parse(event.data));
  socket.onclose = (event) => {
    if (run !== live) return;
    stopCamera();
    showMessage(`The stream ended${event.reason ? `: ${event.reason}` : ""}.`, true);
  };
  photo = null;
  el.camera.textContent = "Stop camera";
  el.camera.setAttribute("aria-pressed", "true");
  showMessage("");
}

function stopCamera() {
  starts += 1;
  if (!live) return;
  const { stream, socket } = live;
  live = null;
  stream.getTracks().forEach((track) => track.stop());
  socket.close();
  el.camera.textContent = "Start camera";
  el.camera.setAttribute("aria-pressed", "false");
}

function sendFrame(run) {
  if (run !== live) return;
  sent.width = Math.min(FRAME_WIDTH, el.video.videoWidth);
  sent.height = Math.round((sent.width * el.video.videoHeight) / el.video.videoWidth);
  sent.getContext("2d").drawImage(el.video, 0, 0, sent.width, sent.height);
  sent.toBlob((blob) => {
    if (run === live && run.socket.readyState === WebSocket.OPEN) run.socket.send(blob);
  }, "image/jpeg", 0.85);
}

function showAnswer(answer) {
  const run = live;
  if (answer.error) {
    showMessage(`Error: ${answer.error}.`, true);
    setTimeout(() => sendFrame(run), 1000); // gives a busy server time
    return;
  }
  const picture = document.createElement("canvas");
  picture.width = sent.width;
  picture.height = sent.height;
  picture.getContext("2d").drawImage(sent, 0, 0);
  show(picture, answer, el.mirror.checked);
  const now = performance.now();
  live.answers = [...live.answers.filter((t) => now - t < 2000), now];
  const span = (now - live.answers[0]) / 1000;
  const rate = span > 0 ? (live.answers.length - 1) / span : 0;
  showFigures({ "frames per second": rate.toFixed(1), ...times(answer.milliseconds) });
  // The next frame is sent when this one is on the screen: one at a time.
  requestAnimationFrame(() => sendFrame(run));
}

/* Saving */

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

el["save-picture"].onclick = () => {
  const canvas = document.createElement("canvas"); // as large as the picture, unlike the view
  canvas.width = last.picture.width;
  canvas.height = last.picture.height;
  drawPicture(canvas, last, choice(), 1);
  canvas.toBlob((blob) => save("fkd.png", blob));
};
el["save-json"].onclick = () =>
  save("fkd.json", new Blob([JSON.stringify(last.answer, null, 1)], { type: "application/json" }));

/* Controls */

function askAgain() {
  if (live) {
    stopCamera();
    startCamera();
  } else if (photo) {
    analysePhoto(photo);
  }
}

el.camera.onclick = () => (live ? stopCamera() : startCamera());
el.photo.onchange = () => el.photo.files[0] && analysePhoto(el.photo.files[0]);
for (const name of ["points", "contours", "numbers"]) el[name].onchange = redraw;
window.onresize = redraw;
for (const name of ["model", "min-face", "smooth"]) {
  el[name].addEventListener("change", askAgain);
}
el.model.addEventListener("change", showLicence);
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    el.stage.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) analysePhoto(event.dataTransfer.files[0]);
  });
}

start().catch(() => showMessage("The server does not respond.", true));
