/** Faces of files as the browser decodes them, against Python's. */

import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PhotoRecord } from "../src/index.js";
import { answers, differences, summary, type Difference, type ModelName } from "../tests/answers.js";
import { ANSWERS, openBrowser, openPage, PAGE, savedJson, serveFolder, type Site } from "./chromium.js";

const LARGEST = 0.25; // pixels
let site: Site, context: BrowserContext, page: Page;

beforeAll(async () => {
  site = await serveFolder(PAGE);
  context = await openBrowser();
  ({ page } = await openPage(context, site.address));
});
afterAll(async () => {
  await context.close();
  await site.close();
});

async function analysed(file: string): Promise<PhotoRecord> {
  const marks = "performance.getEntriesByName('points').length";
  const before = await page.evaluate(marks);
  await page.setInputFiles("#file", join(ANSWERS, file));
  await expect.poll(() => page.evaluate(marks), { timeout: 60_000, interval: 30 }).not.toBe(before);
  return savedJson<PhotoRecord>(page);
}

describe.each(["nano", "base"] as ModelName[])("%s", (name) => {
  test("points within 0.25 pixels of Python's for 99 % of faces", { timeout: 600_000 }, async () => {
    await page.selectOption("#model", name);
    const all: Difference[] = [];
    for (const { file, answers: expected } of answers.photos) {
      const record = await analysed(file);
      const { faces, milliseconds, backend, ...rest } = expected[name];
      expect(record).toMatchObject(rest);
      const of = differences(record.faces, faces);
      all.push(...of);
      if (of.some(({ points }) => !(points < LARGEST))) console.log(`${name}, ${file}: ${JSON.stringify(of)}`);
    }
    console.log(`${name}, decoded by the browser: ${summary(answers.photos.length, all)}`);
    const sorted = all.map(({ points }) => points).sort((a, b) => a - b);
    console.log(`median ${sorted[sorted.length >> 1]!.toFixed(4)} px, 99 % ${sorted[Math.floor(0.99 * sorted.length)]!.toFixed(4)} px`);
    expect(all.filter(({ points }) => points < LARGEST).length).toBeGreaterThanOrEqual(0.99 * all.length);
  });
});
