/** Faces of raw pixels as Python finds them. */

import { describe, expect, test } from "vitest";
import { photoRecord, Tracker } from "../src/index.js";
import { answers, differences, imageOf, predictorOf, summary, type Difference, type ModelName } from "./answers.js";

const SECONDS = 1000;

const GIVEN = "given-";
const LARGEST = 0.05; // pixels

const isFar = ({ points }: Difference) => !(points < LARGEST);

describe.each(["nano", "base"] as ModelName[])("%s", async (name) => {
  const predictor = await predictorOf(name);
  const found = new Map<string, Difference[]>();

  test.each(answers.photos)("answers for $file with the JSON of Python", { timeout: 60 * SECONDS }, async ({ file, pixels, answers: expected }) => {
    const image = imageOf(pixels);
    const record = photoRecord(file, image, await predictor.analyse(image), name);
    const { faces, milliseconds, ...rest } = expected[name];
    expect(record).toMatchObject({ ...rest, several_pictures: false });
    expect(Object.keys(record)).toEqual(Object.keys(expected[name]));
    expect(Object.keys(record.milliseconds)).toEqual(Object.keys(milliseconds));
    record.faces.forEach((face, i) => expect(Object.keys(face)).toEqual(Object.keys(faces[i] ?? {})));
    found.set(file, differences(record.faces, faces));
  });

  test("finds the faces of this project's pictures within 0.05 pixels of Python's", () => {
    const own = [...found].filter(([file]) => !file.startsWith(GIVEN)).flatMap(([, of]) => of);
    expect(own.length).toBeGreaterThan(15);
    for (const { points, box, score, visible, depth, pose } of own) {
      expect(points).toBeLessThan(LARGEST);
      expect(box).toBe(0);
      expect(score).toBeLessThan(0.001);
      expect(visible).toBeLessThan(0.05); // steep, and a turned crop may differ by a grey level
      expect(depth).toBeLessThan(LARGEST);
      expect(pose).toBeLessThan(0.2); // of angles that are told in tenths
    }
  });

  test.runIf(answers.photos.some(({ file }) => file.startsWith(GIVEN)))("and those of given photos, 99 % of them", () => {
    const given = [...found].filter(([file]) => file.startsWith(GIVEN));
    const all = given.flatMap(([, of]) => of);
    console.log(`${name}, raw pixels: ${summary(given.length, all)}`);
    for (const [file, of] of given) if (of.some(isFar)) console.log(file, JSON.stringify(of));
    expect(all.filter(isFar).length).toBeLessThanOrEqual(Math.ceil(0.01 * all.length));
  });

  test("answers one face for each given box", async () => {
    const { pixels, answers: expected } = answers.photos[0]!;
    const [face] = expected[name].faces;
    const found = await predictor.predict(imageOf(pixels), { boxes: [face!.box, [0, 0, 50, 50]] });
    expect(found.map(({ box }) => box)).toEqual([face!.box, [0, 0, 50, 50]]);
    expect(differences([found[0]!.toJSON()], [face!])[0]!.points).toBeLessThan(0.05);
  });
});

test("a tracker gives ids, smoothed points and boxes as Python's, also when a face was hidden", { timeout: 120 * SECONDS }, async () => {
  const tracker = new Tracker(await predictorOf("nano"));
  const { frames, records } = answers.video;
  for (const [t, raw] of frames.entries()) {
    const faces = (await tracker.track(imageOf(raw))).map((face) => face.toJSON());
    const expected = records[t]!.faces;
    expect(faces.map(({ id }) => id), `frame ${t}`).toEqual(expected.map(({ id }) => id));
    for (const difference of differences(faces, expected)) expect(difference.points, `frame ${t}`).toBeLessThan(0.05);
    expect(tracker.min_face, `frame ${t}`).toBe(records[t]!.min_face);
  }
  expect(records.filter(({ faces }) => faces.length === 1).length).toBeGreaterThan(40);
});
