/** Faces through the frames of a video: `new Tracker(predictor).track(frame)` gives each face an id.
 * Twin of fkd/inference/tracker.py, where each of these numbers has its reason. */

import { centreDistance, iou } from "../geometry/boxes.js";
import { wrapped, type Frame } from "../geometry/roll.js";
import { round, type Box, type Image, type Point } from "../geometry/types.js";
import { toGrey } from "../opencv/grey.js";
import { appearance, SAME_FACE, similarity, unit } from "./appearance.js";
import type { Face } from "./face.js";
import { DUPLICATE_IOU } from "./pipeline.js";
import { STEPS, type Predictor } from "./predictor.js";
import { OneEuro } from "./smoothing.js";
import { StepTimer } from "./timing.js";

const SEARCH_EVERY = 15; // frames, while there are faces
const SAME_PLACE_IOU = 0.9;
const SAME_ROLL = 5; // degrees
const REMEMBERED_SECONDS = 1;
const WIDTHS_A_SECOND = 4;
const SMALLEST_RATIO = 0.6, LARGEST_RATIO = 1.6;
const NEWEST = 0.2; // weight of the newest frame in what a face looks like
const MIN_CUTOFF = 0.3, BETA = 34;

/** A face that is followed, or was until it was lost. face: as the model gave it. frame: of its next
 * crop. looks: its `appearance` while no other face was near. lostFor: seconds. */
interface Track {
  readonly id: number;
  face: Face;
  frame: Frame;
  looks: Float32Array;
  filter: OneEuro;
  lostFor: number;
}

/** smooth: whether points and boxes go through a One-Euro filter of `min_cutoff` and `beta`. rate:
 * frames a second. min_face: smallest face that is searched for, pixels, by default the predictor's
 * choice. */
export interface TrackerOptions {
  smooth?: boolean;
  min_cutoff?: number;
  beta?: number;
  rate?: number;
  min_face?: number | null;
}

/** Follows faces from frame to frame. The next frame's box comes from this frame's points; the
 * detector searches the whole frame only while there is no face, and every SEARCH_EVERY frames. A
 * face that is hidden for less than REMEMBERED_SECONDS keeps its id. A tracker is for one video;
 * several may share a predictor. One frame at a time: `track` is called again when it has answered. */
export class Tracker {
  /** As of the last search. */
  detections_skipped = 0;
  min_face: number | null;
  /** Of each step of the last frame. */
  milliseconds: Readonly<Record<string, number>> = {};

  readonly #smooth: boolean;
  readonly #minCutoff: number;
  readonly #beta: number;
  readonly #seconds: number;
  readonly #wantedMinFace: number | null;
  #tracks: Track[] = [];
  #lost: Track[] = [];
  #nextId = 1;
  #size = "";
  #sinceSearch = SEARCH_EVERY;
  #timer = new StepTimer();

  /** Throws RangeError for options that are out of range. */
  constructor(readonly predictor: Predictor, options: TrackerOptions = {}) {
    const { smooth = true, min_cutoff = MIN_CUTOFF, beta = BETA, rate = 30, min_face = null } = options;
    if (!(rate > 0 && min_cutoff > 0 && beta >= 0)) {
      throw new RangeError("rate and min_cutoff must be positive, beta not negative");
    }
    [this.#smooth, this.#minCutoff, this.#beta, this.#seconds] = [smooth, min_cutoff, beta, 1 / rate];
    this.min_face = this.#wantedMinFace = min_face ?? predictor.min_face;
  }

  /** The faces of the next frame, oldest first, each with its id. One of another size begins anew.
   * seconds: since the frame before, by default one over the rate. In Python a tracker is called. */
  async track(frame: Image, seconds?: number): Promise<Face[]> {
    const grey = toGrey(frame);
    const passed = seconds || this.#seconds;
    const size = `${grey.width}x${grey.height}`;
    this.#timer = new StepTimer(...STEPS);
    if (size !== this.#size) [this.#tracks, this.#lost, this.#size] = [[], [], size];
    for (const track of this.#lost) track.lostFor += passed;
    this.#lost = this.#lost.filter((track) => track.lostFor <= REMEMBERED_SECONDS);
    await this.#follow(grey);
    for (const track of [...this.#lost]) await this.#lookFor(track, grey);
    this.#sinceSearch += 1;
    if (!this.#tracks.length || this.#sinceSearch >= SEARCH_EVERY) await this.#search(grey);
    this.#rememberLooks(grey);
    this.#tracks.sort((first, second) => first.id - second.id);
    this.milliseconds = this.#timer.milliseconds;
    return this.#tracks.map((track) => this.#shown(track, passed));
  }

  /** Each face where the frame before had it; those that are faces no more are lost, and so is the
   * less similar of two that have become one. */
  async #follow(grey: Image): Promise<void> {
    const followed = this.#tracks;
    const found = await this.predictor.pipeline.predict(grey, followed.map(({ frame }) => frame), this.#timer);
    this.#tracks = [];
    followed.forEach((track, i) => {
      const face = found[i]!;
      const box = face.reference_box;
      const rival = trackAt(box, this.#tracks);
      if (!this.#isFace(face) || (rival && !moreSimilar(track, rival, grey, box))) {
        this.#lose(track);
        return;
      }
      if (rival) {
        this.#tracks.splice(this.#tracks.indexOf(rival), 1);
        this.#lose(rival);
      }
      track.face = face;
      if (!samePlace(face.frame, track.frame)) track.frame = face.frame;
      this.#tracks.push(track);
    });
  }

  #lose(track: Track): void {
    track.lostFor = 0;
    this.#lost.push(track);
  }

  #isFace({ score }: Face): boolean {
    const lowest = this.predictor.min_score;
    return score === null || lowest === null || score >= lowest;
  }

  /** A lost face, around the place where it was. */
  async #lookFor(track: Track, grey: Image): Promise<void> {
    const [x, y, side] = track.frame.box;
    const reach = round(reachOf(track) * side);
    const [left, top] = [Math.max(0, x - reach), Math.max(0, y - reach)];
    const around = part(grey, left, top, x + side + reach, y + side + reach);
    if (!around) return;
    const min_face = round(SMALLEST_RATIO * side);
    const faces = await this.predictor.predict(around, { min_face, timer: this.#timer });
    for (const face of faces) this.#takeUp([track], moved(face, left, top), grey);
  }

  /** Whether a face that was found is one of these, which is then followed again. */
  #takeUp(lost: readonly Track[], face: Face, grey: Image): boolean {
    const box = face.reference_box;
    const near = lost.filter((track) => this.#lost.includes(track) && withinReach(box, track));
    if (!near.length || trackAt(box, this.#tracks)) return false;
    const looks = appearance(grey, box);
    const likeness = near.map((track) => similarity(track.looks, looks));
    const most = Math.max(...likeness);
    if (most < SAME_FACE) return false;
    const track = near[likeness.indexOf(most)]!;
    this.#lost.splice(this.#lost.indexOf(track), 1);
    [track.face, track.frame, track.filter] = [face, face.frame, this.#newFilter()];
    this.#tracks.push(track);
    return true;
  }

  /** New faces in the whole frame. While there is none, each frame is searched, but for small ones,
   * which take longest, only where it is due. */
  async #search(grey: Image): Promise<void> {
    let minFace = this.#wantedMinFace;
    if (this.#sinceSearch >= SEARCH_EVERY) this.#sinceSearch = 0;
    else minFace ??= this.predictor.pipeline.detector.defaultMinFace(grey);
    const analysis = await this.predictor.analyse(grey, { min_face: minFace, timer: this.#timer });
    [this.min_face, this.detections_skipped] = [analysis.min_face, analysis.detections_skipped];
    const seen = analysis.faces.map((face) => face.reference_box);
    // A model without scores never says that a face is gone; the detector does.
    this.#tracks = this.#tracks.filter(
      ({ face, frame }) => face.score !== null || seen.some((box) => iou(box, frame.box) > DUPLICATE_IOU),
    );
    analysis.faces.forEach((face, i) => {
      const box = seen[i]!;
      const known = trackAt(box, this.#tracks) || this.#takeUp(this.#lost, face, grey);
      if (known || this.#emerges(box)) return;
      const looks = appearance(grey, box);
      const id = this.#nextId++;
      this.#tracks.push({ id, face, frame: face.frame, looks, filter: this.#newFilter(), lostFor: 0 });
    });
  }

  /** Whether the face in a box may be a lost one that is still half hidden by another. */
  #emerges(box: Box): boolean {
    const hidden = this.#tracks.some(({ frame }) => iou(box, frame.box) > 0);
    return hidden && this.#lost.some((track) => withinReach(box, track));
  }

  #rememberLooks(grey: Image): void {
    for (const track of this.#tracks) {
      const alone = this.#tracks.every(
        (other) => other === track || !iou(track.frame.box, other.frame.box),
      );
      if (!alone) continue;
      const newest = appearance(grey, track.face.reference_box);
      track.looks = unit(track.looks.map((value, i) => value + NEWEST * (newest[i]! - value)));
    }
  }

  #newFilter(): OneEuro {
    return new OneEuro(this.#minCutoff, this.#beta);
  }

  /** What the caller sees of a face: its id, and smoothed points and the box around them. */
  #shown({ id, face, frame: { box }, filter }: Track, seconds: number): Face {
    if (!this.#smooth) return face.with({ id, box });
    const [x, y, side] = box;
    const places: Point[] = [...face.points, [x, y], [x + side, y + side]];
    const smoothed = filter.next(places, seconds, side);
    const count = face.points.length;
    const [left, top] = smoothed[count]!;
    const width = Math.max(1, round(Math.fround(smoothed[count + 1]![0] - left)));
    return face.with({ id, box: [round(left), round(top), width, width], points: smoothed.slice(0, count) });
  }
}

/** Whether two frames are so near that the next crop may be cut as the last one was. */
function samePlace(frame: Frame, before: Frame): boolean {
  const turned = Math.abs(wrapped(frame.roll - before.roll));
  return iou(frame.box, before.box) > SAME_PLACE_IOU && turned < SAME_ROLL;
}

/** The track that is at this place. */
function trackAt(box: Box, tracks: readonly Track[]): Track | undefined {
  return tracks.find(({ frame }) => iou(box, frame.box) > DUPLICATE_IOU);
}

/** Whether the face in a box looks more like that of the one track than that of the other. */
function moreSimilar(track: Track, rival: Track, grey: Image, box: Box): boolean {
  const looks = appearance(grey, box);
  return similarity(track.looks, looks) > similarity(rival.looks, looks);
}

/** How far a lost face can have gone, in its box's sides. */
function reachOf({ lostFor }: Track): number {
  return 1 + WIDTHS_A_SECOND * lostFor;
}

function withinReach(box: Box, track: Track): boolean {
  const ratio = box[2] / track.frame.box[2];
  return SMALLEST_RATIO < ratio && ratio < LARGEST_RATIO && centreDistance(box, track.frame.box) <= reachOf(track);
}

/** A part of a grey image, as far as it lies within; null where nothing does. */
function part(grey: Image, left: number, top: number, right: number, bottom: number): Image | null {
  const [width, height] = [Math.min(right, grey.width) - left, Math.min(bottom, grey.height) - top];
  if (width <= 0 || height <= 0) return null;
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (top + row) * grey.width + left;
    data.set(grey.data.subarray(from, from + width), row * width);
  }
  return { data, width, height };
}

/** A face of a part of the frame, whose corner is at (right, down), in the frame's pixels. */
function moved(face: Face, right: number, down: number): Face {
  const [x, y, width, height] = face.box;
  const points = face.points.map(([px, py]): Point => [Math.fround(px + right), Math.fround(py + down)]);
  return face.with({ points, box: [x + right, y + down, width, height] });
}
