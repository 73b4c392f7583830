/** `make bench-web`: how fast the page is, what it loads and keeps. Needs both cores for itself. */

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { message, openBrowser, openPage, PAGE, serveFolder } from "./chromium.js";
import { serve } from "./serving.js";

const SECOND = 1000;
const MINUTES = 5;
const VISION = fileURLToPath(new URL("../node_modules/@mediapipe/tasks-vision/", import.meta.url));

/** The page with its camera started at once, in a browser that has nothing. */
async function withCamera(work: (page: Page, context: BrowserContext, sent: Map<string, number>) => Promise<void>): Promise<void> {
  const site = await serveFolder(PAGE);
  const context = await openBrowser({ permissions: ["camera"] });
  try {
    const { page, wrong } = await openPage(context, site.address);
    await page.click("#camera");
    await message(page, "1 face");
    await work(page, context, site.sent);
    expect(wrong).toEqual([]); // no request has left the origin
  } finally {
    await context.close();
    await site.close();
  }
}

/** What the page shows, its mean over some seconds. */
async function figures(page: Page, seconds: number): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  const rounds = seconds * 4;
  for (let i = 0; i < rounds; i++) {
    await page.waitForTimeout(SECOND / 4);
    const names = await page.locator("#figures dt").allInnerTexts();
    const values = await page.locator("#figures dd").allInnerTexts();
    names.forEach((name, k) => (sums[name] = (sums[name] ?? 0) + parseFloat(values[k]!) / rounds));
  }
  return Object.fromEntries(Object.entries(sums).map(([name, value]) => [name, Number(value.toFixed(2))]));
}

/** Megabytes of memory of all processes of the browser, and of the page's JavaScript. */
async function memory(page: Page, context: BrowserContext): Promise<{ browser: number; heap: number }> {
  const session = await context.newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = (await session.send("Runtime.getHeapUsage")) as { usedSize: number };
  await session.detach();
  const processes = execFileSync("ps", ["-eo", "pss,args"]).toString().split("\n");
  const of = processes.filter((line) => line.includes("playwright_chromiumdev_profile-"));
  return { browser: Math.round(of.reduce((sum, line) => sum + parseInt(line) / 1e3, 0)), heap: usedSize / 1e6 };
}

describe.runIf(process.env.MEASURE)("measured", () => {
  console.log(`${cpus().length} cores, ${cpus()[0]!.model}; load before: ${loadavg()[0]!.toFixed(1)}`);

  test("time to the first points of the camera from a cold cache, and bytes", { timeout: 120 * SECOND }, async () => {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      await withCamera(async (page, _, sent) => {
        times.push((await page.evaluate("performance.getEntriesByName('points')[0].startTime")) as number);
        if (i) return;
        await page.locator("#offline").filter({ hasText: "without a network" }).waitFor();
        const total = [...sent.values()].reduce((sum, one) => sum + one, 0);
        console.log(`transferred with nano, service worker included: ${(total / 1e6).toFixed(2)} MB`, Object.fromEntries(sent));
      });
    }
    console.log(`first points after ${times.map((time) => Math.round(time)).join(", ")} ms, starting the camera included`);
  });

  test.each(["nano", "base"])("frames per second with %s", { timeout: 120 * SECOND }, async (model) => {
    await withCamera(async (page) => {
      await page.selectOption("#model", model);
      await page.waitForTimeout(5 * SECOND);
      console.log(model, await figures(page, 20), `load ${loadavg()[0]!.toFixed(1)}`);
    });
  });

  test("frames per second where the server computes", { timeout: 120 * SECOND }, async () => {
    const server = await serve({ device: false, options: ["--model", "nano"] });
    const context = await openBrowser({ permissions: ["camera"] });
    try {
      const { page } = await openPage(context, server.address);
      await page.click("#camera");
      await message(page, "1 face");
      await page.waitForTimeout(5 * SECOND);
      const mean = await figures(page, 20);
      console.log("the server, nano", mean, `load ${loadavg()[0]!.toFixed(1)}`);
      expect(mean["frames per second"]).toBeGreaterThanOrEqual(15);
    } finally {
      await context.close();
      await server.stop();
    }
  });

  test(`memory over ${MINUTES} minutes of camera`, { timeout: (MINUTES + 2) * 60 * SECOND }, async () => {
    await withCamera(async (page, context) => {
      await page.waitForTimeout(30 * SECOND);
      const taken = [await memory(page, context)];
      for (let i = 0; i < 2 * MINUTES; i++) {
        await page.waitForTimeout(30 * SECOND);
        taken.push(await memory(page, context));
      }
      console.log("MB of the browser:", taken.map(({ browser }) => browser).join(", "));
      console.log("MB of the page's heap:", taken.map(({ heap }) => heap.toFixed(1)).join(", "));
      expect(Math.min(...taken.map(({ browser }) => browser))).toBeGreaterThan(0);
      expect(taken.at(-1)!.heap).toBeLessThan(taken[0]!.heap + 5);
    });
  });

  test.runIf(process.env.MEDIAPIPE)("MediaPipe's tasks-vision beside it", { timeout: 120 * SECOND }, async () => {
    const folder = `${mkdtempSync(join(tmpdir(), "vision-"))}/`;
    mkdirSync(join(folder, "wasm"), { recursive: true });
    cpSync(join(VISION, "wasm"), join(folder, "wasm"), { recursive: true });
    cpSync(join(VISION, "vision_bundle.mjs"), join(folder, "vision.js"));
    cpSync(process.env.MEDIAPIPE!, join(folder, "face.task"));
    writeFileSync(join(folder, "index.html"), VISION_PAGE);
    const site = await serveFolder(folder);
    const context = await openBrowser({ permissions: ["camera"] });
    const { page } = await openPage(context, site.address);
    await page.locator("p").filter({ hasText: /4[67]8/ }).waitFor({ timeout: 60 * SECOND });
    await page.waitForTimeout(5 * SECOND);
    const before = (await page.evaluate("frames")) as number;
    await page.waitForTimeout(20 * SECOND);
    const rate = (((await page.evaluate("frames")) as number) - before) / 20;
    console.log(`MediaPipe: ${rate.toFixed(1)} frames per second, ${await page.evaluate("(spent / frames).toFixed(1)")} ms a frame`, Object.fromEntries(site.sent));
    await context.close();
    await site.close();
  });
});

const VISION_PAGE = `<!doctype html><video id="v" playsinline muted></video><p></p><script type="module">
import { FaceLandmarker, FilesetResolver } from "./vision.js";
const files = await FilesetResolver.forVisionTasks("./wasm");
const face = await FaceLandmarker.createFromOptions(files, { baseOptions: { modelAssetPath: "face.task", delegate: "CPU" }, runningMode: "VIDEO" });
v.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
await v.play();
window.frames = 0; window.spent = 0;
(function next() {
  v.requestVideoFrameCallback(() => {
    const started = performance.now();
    const { faceLandmarks } = face.detectForVideo(v, started);
    spent += performance.now() - started;
    frames += 1;
    document.querySelector("p").textContent = faceLandmarks[0]?.length ?? 0;
    next();
  });
})();
</script>`;
