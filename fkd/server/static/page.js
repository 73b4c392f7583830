"use strict";

const el = Object.fromEntries([...document.querySelectorAll("[id]")].map((e) => [e.id, e]));
const pen = el.view.getContext("2d");
const sent = document.createElement("canvas"); // the frame that the next answer belongs to
const FRAME_WIDTH = 640;
const POINT = "#5af05a", LINE = "#3cbec8", BOX = "#28a0eb";

let contours = []; // [first, one past last, closed], from the server
let last = null; // the picture and the answer that are shown
let live = null; // the camera's stream and the socket while they run

async function start() {
  const info = await (await fetch("/v1/model")).json();
  contours = info.contours;
  for (const name of info.models) el.model.add(new Option(name, name));
  await showLicence();
  if (!navigator.mediaDevices) {
    showMessage("This browser does not allow pages without https to use the camera.", true);
  }
}

async function showLicence() {
  const name = el.model.value;
  const info = await (await fetch(`/v1/model?model=${encodeURIComponent(name)}`)).json();
  el.licence.textContent = info.notice ? `Weights of ${name}: ${info.notice}.` : "";
}

function showMessage(text, wrong = false) {
  el.message.textContent = text;
  el.message.classList.toggle("wrong", wrong);
}

/* Drawing */

function show(picture, answer, mirrored) {
  last = { picture, answer, mirrored };
  redraw();
  el.stage.classList.add("filled");
  el["save-picture"].disabled = el["save-json"].disabled = false;
}

function redraw() {
  if (!last) return;
  const { picture, answer, mirrored } = last;
  el.view.width = picture.width;
  el.view.height = picture.height;
  pen.save();
  if (mirrored) {
    pen.translate(picture.width, 0);
    pen.scale(-1, 1);
  }
  pen.drawImage(picture, 0, 0);
  const zoom = picture.width / answer.width;
  for (const face of answer.faces) drawFace(face, zoom);
  pen.restore();
  if (el.numbers.checked) for (const face of answer.faces) drawNumbers(face, zoom, mirrored);
}

function drawFace(face, zoom) {
  const points = face.points.map(([x, y]) => [(x + 0.5) * zoom, (y + 0.5) * zoom]);
  const [x, y, width, height] = face.box.map((v) => v * zoom);
  pen.lineWidth = Math.max(1, width / 140);
  pen.strokeStyle = BOX;
  pen.strokeRect(x, y, width, height);
  pen.strokeStyle = LINE;
  if (el.contours.checked) {
    for (const [first, end, closed] of contours) {
      pen.beginPath();
      points.slice(first, end).forEach((p) => pen.lineTo(...p));
      if (closed) pen.closePath();
      pen.stroke();
    }
  }
  if (el.points.checked) {
    pen.fillStyle = POINT;
    for (const [px, py] of points) {
      pen.beginPath();
      pen.arc(px, py, Math.max(1.2, width / 90), 0, 7);
      pen.fill();
    }
  }
}

function drawNumbers(face, zoom, mirrored) {
  pen.font = `${Math.max(8, (face.box[2] * zoom) / 22)}px system-ui`;
  pen.fillStyle = "#fff";
  pen.strokeStyle = "#000";
  pen.lineWidth = 2;
  face.points.forEach(([x, y], number) => {
    const at = [mirrored ? el.view.width - x * zoom : x * zoom, y * zoom - 2];
    pen.strokeText(number, ...at);
    pen.fillText(number, ...at);
  });
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

function faceCount(faces) {
  return faces === 0 ? "No face found." : faces === 1 ? "1 face" : `${faces} faces`;
}

/* One photo */

async function analysePhoto(file) {
  stopCamera();
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return showMessage(`${file.name} is not a picture that this browser can show.`, true);
  }
  showMessage("Analysing…");
  try {
    const url = `/v1/landmarks?model=${encodeURIComponent(el.model.value)}`;
    const response = await fetch(url, { method: "POST", body: file });
    const answer = await response.json();
    if (!response.ok) return showMessage(`Error: ${answer.error}.`, true);
    show(picture, answer, false);
    showMessage(faceCount(answer.faces.length));
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
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const choice = new URLSearchParams({ model: el.model.value, smooth: el.smooth.checked });
  const socket = new WebSocket(`${scheme}://${location.host}/v1/stream?${choice}`);
  const run = (live = { stream, socket, answers: [] });
  socket.onopen = () => sendFrame(run);
  socket.onmessage = (event) => run === live && showAnswer(JSON.parse(event.data));
  socket.onclose = (event) => {
    if (run !== live) return;
    stopCamera();
    showMessage(`The stream ended${event.reason ? `: ${event.reason}` : ""}.`, true);
  };
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
  showMessage(faceCount(answer.faces.length));
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

el["save-picture"].onclick = () => el.view.toBlob((blob) => save("fkd.png", blob));
el["save-json"].onclick = () =>
  save("fkd.json", new Blob([JSON.stringify(last.answer, null, 1)], { type: "application/json" }));

/* Controls */

el.camera.onclick = () => (live ? stopCamera() : startCamera());
el.photo.onchange = () => el.photo.files[0] && analysePhoto(el.photo.files[0]);
for (const name of ["points", "contours", "numbers"]) el[name].onchange = redraw;
el.mirror.onchange = () => live || redraw();
for (const name of ["model", "smooth"]) {
  el[name].addEventListener("change", () => live && (stopCamera(), startCamera()));
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
