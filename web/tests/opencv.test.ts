import { describe, expect, test } from "vitest";
import { cropFace } from "../src/geometry/crop.js";
import { appearance } from "../src/inference/appearance.js";
import { face_chip } from "../src/index.js";
import { toGrey } from "../src/opencv/grey.js";
import { resizeArea, resizeLinear } from "../src/opencv/resize.js";
import { answers, imageOf } from "./answers.js";

const { arithmetic, chips, photos } = answers;
const SPEC = { size: 128, scale: 1.2, shift_y: 0.155 };

/** How many bytes differ. */
function differing(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let count = 0;
  for (let i = 0; i < expected.length; i++) if (found[i] !== expected[i]) count++;
  return count;
}

describe("to the bit as OpenCV", () => {
  test("grey", () => {
    expect(differing(toGrey(imageOf(arithmetic.colour)).data, imageOf(arithmetic.grey).data)).toBe(0);
  });

  test.each(arithmetic.resized)("resize $way $from.width x $from.height -> $to.width x $to.height", ({ way, from, to }) => {
    const resize = { linear: resizeLinear, area: resizeArea }[way];
    expect(differing(resize(imageOf(from), to.width, to.height).data, imageOf(to).data)).toBe(0);
  });

  test.each(arithmetic.crops)("the crop of box $box, turned by $angle degrees", ({ box, angle, to, transform }) => {
    const crop = cropFace(imageOf(arithmetic.grey), box, SPEC, angle);
    expect(differing(crop.pixels.data, imageOf(to).data)).toBe(0);
    crop.transform.forEach((value, i) => expect(value).toBeCloseTo(transform[i]!, 9));
  });

  test.each(chips)("the face chip by template $template", ({ template, points, to }) => {
    const astronaut = photos.find(({ file }) => file === "astronaut.png")!;
    const chip = face_chip(imageOf(astronaut.pixels), points, { size: to.width, template });
    expect(differing(chip.pixels.data, imageOf(to).data)).toBe(0);
  });
});

test("what a face looks like is Python's vector", () => {
  const looks = appearance(imageOf(arithmetic.grey), arithmetic.crops[0]!.box);
  looks.forEach((value, i) => expect(value).toBeCloseTo(arithmetic.appearance[i]!, 5));
});
