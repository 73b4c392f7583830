/** What is drawn, on a canvas that only notes it. */

import { expect, test } from "vitest";
import { drawPicture } from "../page/drawing.js";
import type { FaceRecord } from "../src/index.js";

/** How thick the box of a face is, of a width in pixels of a picture. */
function thickness(width: number): number {
  const thick: number[] = [];
  const pen: Record<string, unknown> = { strokeRect: () => thick.push(pen.lineWidth as number) };
  const noted = new Proxy(pen, { get: (of, name) => of[name as string] ?? (() => undefined) });
  const canvas = { width: 2000, height: 2000, getContext: () => noted } as unknown as HTMLCanvasElement;
  const face = { box: [100, 100, width, width], points: [], visible: null } as unknown as FaceRecord;
  const picture = canvas as HTMLCanvasElement;
  drawPicture(canvas, { picture, width: 2000, faces: [face], mirrored: false }, { points: false, contours: false, numbers: false }, 1);
  expect(thick).toHaveLength(1);
  return thick[0]!;
}

test("lines are as thick in proportion to a face of any size, and never too thin to be seen", () => {
  expect([thickness(280), thickness(1680)]).toEqual([2, 12]);
  expect(thickness(20)).toBe(1);
});
