/** The elements of the page by their ids. */

function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`#${id} is missing`);
  return element;
}

export const el = {
  promise: byId("promise", HTMLParagraphElement),
  stage: byId("stage", HTMLDivElement),
  view: byId("view", HTMLCanvasElement),
  video: byId("video", HTMLVideoElement),
  message: byId("message", HTMLParagraphElement),
  camera: byId("camera", HTMLButtonElement),
  pause: byId("pause", HTMLButtonElement),
  file: byId("file", HTMLInputElement),
  savePicture: byId("save-picture", HTMLButtonElement),
  saveJson: byId("save-json", HTMLButtonElement),
  points: byId("points", HTMLInputElement),
  contours: byId("contours", HTMLInputElement),
  numbers: byId("numbers", HTMLInputElement),
  mirror: byId("mirror", HTMLInputElement),
  chipsShown: byId("chips-shown", HTMLInputElement),
  leftOut: byId("left-out", HTMLParagraphElement),
  engineChoice: byId("engine-choice", HTMLLabelElement),
  engine: byId("engine", HTMLSelectElement),
  model: byId("model", HTMLSelectElement),
  minFace: byId("min-face", HTMLInputElement),
  smooth: byId("smooth", HTMLInputElement),
  licence: byId("licence", HTMLParagraphElement),
  chips: byId("chips", HTMLElement),
  found: byId("found", HTMLElement),
  faces: byId("faces", HTMLTableSectionElement),
  figures: byId("figures", HTMLDListElement),
  offline: byId("offline", HTMLParagraphElement),
  serverLinks: byId("server-links", HTMLElement),
};
