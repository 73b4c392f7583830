import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PhotoRecord } from "../src/index.js";
import type { LiveRecord } from "../page/engine.js";
import { ANSWERS, downloaded, inaccessible, message, openBrowser, openPage, PAGE, savedJson, serveFolder, shot, type Site } from "./chromium.js";

const ASTRONAUT = join(ANSWERS, "astronaut.png");
const SWAY = 60; // pixels to each side that the camera's face moves

let site: Site, context: BrowserContext, page: Page, wrong: string[];

beforeAll(async () => {
  site = await serveFolder(PAGE);
});
afterAll(() => site.close());

describe("with a camera", () => {
  beforeEach(async () => {
    context = await openBrowser({ permissions: ["camera"] });
    ({ page, wrong } = await openPage(context, site.address));
  });
  afterEach(async () => {
    await context.close();
    expect(wrong).toEqual([]); // not even its content policy
  });

  test("its points move with the face, which keeps its id, until it is paused and stopped", async () => {
    await page.check("#chips-shown");
    await page.click("#camera");
    await message(page, "1 face");
    const places: number[] = [];
    const until = Date.now() + 3000;
    while (Date.now() < until) {
      const { faces } = await savedJson<LiveRecord>(page);
      expect(faces.map(({ id }) => id)).toEqual([1]);
      places.push(faces[0]!.points[30]![0]);
    }
    await shot(page, "camera");
    const moved = Math.max(...places) - Math.min(...places);
    expect(moved).toBeGreaterThan(SWAY);
    expect(moved).toBeLessThan(2.6 * SWAY);
    expect(await page.locator("#figures dt").allInnerTexts()).toEqual(["frames per second", "detect", "crop", "points"]);
    await page.click("#pause");
    await page.waitForTimeout(500);
    const paused = await savedJson<LiveRecord>(page);
    await page.waitForTimeout(500);
    expect(await savedJson(page)).toEqual(paused);
    await page.click("text=Go on");
    await page.waitForTimeout(500);
    expect((await savedJson<LiveRecord>(page)).frame).toBeGreaterThan(paused.frame);
    await page.click("text=Stop camera");
    expect(await page.isDisabled("#pause")).toBe(true);
  });

  test("the camera is mirrored until switched off", async () => {
    await page.click("#camera");
    await message(page, "1 face");
    await page.click("#pause");
    const leftHalf = "(() => { const c = document.querySelector('#view'); return c.getContext('2d').getImageData(0, 0, 40, c.height).data.join(); })()";
    await page.waitForTimeout(500);
    const mirrored = await page.evaluate(leftHalf);
    await page.uncheck("#mirror");
    await page.click("text=Go on");
    await page.waitForTimeout(300);
    expect(await page.evaluate(leftHalf)).not.toBe(mirrored);
  });

  test("base is loaded when it is asked for, and follows the same camera", async () => {
    site.sent.clear();
    await page.click("#camera");
    await message(page, "1 face");
    expect([...site.sent.keys()].filter((path) => path.includes("base"))).toEqual([]);
    await page.selectOption("#model", "base");
    await page.waitForTimeout(4000);
    expect([...site.sent.keys()].filter((path) => path.includes("base"))).toHaveLength(1);
    expect((await savedJson<LiveRecord>(page)).faces).toHaveLength(1);
  });

  test("a photo after the camera stops it", async () => {
    await page.click("#camera");
    await message(page, "1 face");
    await page.setInputFiles("#file", join(ANSWERS, "ten.png"));
    await message(page, "10 faces");
    expect(await page.innerText("#camera")).toBe("Start camera");
    expect(await page.evaluate("document.querySelector('#video').srcObject")).toBe(null);
  });
});

describe("with files", () => {
  beforeEach(async () => {
    context = await openBrowser();
    ({ page, wrong } = await openPage(context, site.address));
  });
  afterEach(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });

  test("a photo is answered, drawn and saved; research is not offered", async () => {
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    const record = await savedJson<PhotoRecord>(page);
    expect(record).toMatchObject({ schema: 2, image: "astronaut.png", width: 512, height: 512, model: "nano" });
    const [x, y] = record.faces[0]!.points[30]!;
    expect(Math.hypot(x - 223, y - 127)).toBeLessThan(8);
    const json = await downloaded(page, () => page.click("#save-json"));
    expect([json.name, JSON.parse(json.data.toString())]).toEqual(["fkd.json", record]);
    const { name, data } = await downloaded(page, () => page.click("#save-picture"));
    expect([name, data.readUInt32BE(16), data.readUInt32BE(20)]).toEqual(["fkd.png", 512, 512]);
    expect(await page.locator("#model option").allInnerTexts()).toEqual(["nano", "base"]);
    await shot(page, "photo");
  });

  test("each face has a chip, which its button saves, and a row", async () => {
    await page.check("#chips-shown");
    await page.setInputFiles("#file", join(ANSWERS, "ten.png"));
    await message(page, "10 faces");
    expect(await page.locator("#chips button").count()).toBe(10);
    const { faces } = await savedJson<PhotoRecord>(page);
    const rows = faces.map(({ score, confidence, box }, i) => {
      const mean = confidence!.reduce((sum, one) => sum + one, 0) / confidence!.length;
      return [i + 1, `${(100 * score!).toFixed(0)} %`, `${(100 * mean).toFixed(0)} %`, box[2]].join("\t");
    });
    expect(await page.locator("#faces tr").allInnerTexts()).toEqual(rows);
    expect(await page.isVisible("text=the probability that this is a face")).toBe(true);
    await shot(page, "ten");
    const chip = await downloaded(page, () => page.getByRole("button", { name: "Save the chip of face 3" }).click());
    expect([chip.name, chip.data.readUInt32BE(16)]).toEqual(["fkd-chip.png", 112]);
  });

  test("the picture that is saved has marks on the face and nowhere else", async () => {
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    await page.click("#save-picture");
    await page.waitForFunction("lastSaved.type === 'image/png'");
    const [left, top, right, bottom] = (await page.evaluate(`(async () => {
      const bitmaps = [await createImageBitmap(lastSaved), await createImageBitmap(document.querySelector("#file").files[0])];
      const [saved, photo] = bitmaps.map((bitmap) => {
        const pen = new OffscreenCanvas(512, 512).getContext("2d");
        pen.drawImage(bitmap, 0, 0);
        return pen.getImageData(0, 0, 512, 512).data;
      });
      const changed = [...saved.keys()].filter((i) => Math.abs(saved[i] - photo[i]) > 30).map((i) => i >> 2);
      const [across, down] = [changed.map((i) => i % 512), changed.map((i) => i >> 9)];
      return [Math.min(...across), Math.min(...down), Math.max(...across), Math.max(...down)];
    })()`)) as number[];
    expect(left).toBeGreaterThan(160);
    expect(right).toBeLessThan(290);
    expect(top).toBeGreaterThan(50);
    expect(bottom).toBeLessThan(190);
  });

  test("of an animation it is said that the first picture was searched", async () => {
    await page.setInputFiles("#file", join(ANSWERS, "animation.gif"));
    await message(page, "1 face in the first picture of the file");
  });

  test("a desktop shows the picture wide and the list beside it", async () => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.setInputFiles("#file", join(ANSWERS, "ten.png"));
    await message(page, "10 faces");
    const [picture, list] = [(await page.locator("#view").boundingBox())!, (await page.locator("#faces").boundingBox())!];
    expect(picture.width).toBeGreaterThan(900);
    expect(list.x).toBeGreaterThan(picture.x + picture.width);
  });

  test("numbers are drawn where they can be read, and else left out with a word", async () => {
    await page.check("#numbers");
    await page.setInputFiles("#file", join(ANSWERS, "ten.png"));
    await message(page, "10 faces");
    expect(await page.isVisible("#left-out")).toBe(true);
    await page.setInputFiles("#file", join(ANSWERS, "rendered-0.png"));
    await message(page, /^1 face$/);
    expect(await page.isVisible("#left-out")).toBe(false);
  });

  test("a smallest face is searched for, and another than a number of pixels is named", async () => {
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    await page.fill("#min-face", "300");
    await page.keyboard.press("Enter");
    await message(page, "No face, looked down to 300 px.");
    await page.fill("#min-face", "0");
    await page.keyboard.press("Enter");
    await message(page, "Error: the smallest face is a whole number of pixels from 1 to 100,000.");
  });

  test("a video is followed to its end", async () => {
    await page.setInputFiles("#file", join(ANSWERS, "video.mp4"));
    await message(page, "1 face");
    await message(page, "The video has ended.");
    const record = await savedJson<LiveRecord>(page);
    expect(record.seconds).toBeGreaterThan(1.5);
    expect(record.faces[0]!.id).toBe(1);
  });

  test("a wall has no face; text is neither a picture nor a video", async () => {
    await page.setInputFiles("#file", join(ANSWERS, "wall.png"));
    await message(page, "No face, looked down to 8 px.");
    await page.setInputFiles("#file", { name: "note.jpg", mimeType: "image/jpeg", buffer: Buffer.from("hello") });
    await message(page, "note.jpg is not a picture that this browser can show.");
    await page.setInputFiles("#file", { name: "note.mp4", mimeType: "video/mp4", buffer: Buffer.from("hello") });
    await message(page, "note.mp4 is not a video that this browser can show.");
  });

  test("after the first visit it works without a network", async () => {
    await page.locator("#offline").filter({ hasText: "without a network" }).waitFor();
    await site.close();
    try {
      await page.reload();
      await page.setInputFiles("#file", ASTRONAUT);
      await message(page, "1 face");
    } finally {
      site = await serveFolder(PAGE);
      wrong.splice(0, Infinity, ...wrong.filter((line) => !line.includes("ERR_CONNECTION_REFUSED")));
    }
  });

  test("a newer page is shown at the next visit, and not the one that was kept", async () => {
    await page.locator("#offline").filter({ hasText: "without a network" }).waitFor();
    const changed = (text: string) => text.replace("<h1>fkd</h1>", "<h1>newer</h1>");
    site.change = (path, data) => (path === "/" ? Buffer.from(changed(data.toString())) : data);
    try {
      await page.reload();
      expect(await page.innerText("h1")).toBe("newer");
    } finally {
      site.change = null;
    }
  });

  test("it can be installed", async () => {
    await page.locator("#offline").filter({ hasText: "without a network" }).waitFor();
    const session = await context.newCDPSession(page);
    expect((await session.send("Page.getInstallabilityErrors")).installabilityErrors.map(({ errorId }) => errorId)).toEqual(
      expect.not.arrayContaining(["no-manifest", "manifest-missing-suitable-icon", "no-acceptable-icon", "manifest-missing-name-or-short-name"]),
    );
    const { errors, data } = await session.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    expect(JSON.parse(data!).icons).toHaveLength(2);
  });

  test("the keyboard reaches everything", async () => {
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    const reached: unknown[] = [];
    for (let i = 0; i < 16; i++) {
      await page.keyboard.press("Tab");
      reached.push(await page.evaluate("document.activeElement.id"));
    }
    for (const id of ["camera", "file", "save-picture", "save-json", "points", "contours", "numbers", "mirror", "chips-shown", "model", "min-face", "smooth"]) {
      expect(reached).toContain(id);
    }
  });
});

describe("said clearly", () => {
  afterEach(() => context.close());

  test("that the camera was refused", async () => {
    context = await openBrowser({}, ["--deny-permission-prompts"]);
    ({ page, wrong } = await openPage(context, site.address));
    await page.click("#camera");
    await message(page, "Camera access was refused; allow it in the browser's settings for this page.");
    await shot(page, "refused");
  });

  test("that the browser has no WebAssembly SIMD", async () => {
    context = await openBrowser();
    await context.addInitScript("WebAssembly.validate = () => false");
    ({ page, wrong } = await openPage(context, site.address));
    await message(page, "This browser has no WebAssembly SIMD, which the networks need; a newer browser has.");
    expect(await page.isDisabled("#camera")).toBe(true);
    await shot(page, "no-simd");
  });

  test("that there is no camera on a page without https", async () => {
    context = await openBrowser();
    await context.addInitScript("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })");
    ({ page, wrong } = await openPage(context, site.address));
    await message(page, "No camera here: browsers give it only to pages on https or localhost.");
  });

  test("that a network cannot be loaded", async () => {
    context = await openBrowser();
    await context.route(/\.onnx/, (route) => route.abort());
    ({ page, wrong } = await openPage(context, site.address));
    await message(page, /Error: (nano|detector)\.onnx cannot be loaded; is there a network\?/);
  });
});

describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
  afterEach(() => context.close());

  test.each([360, 1280])("axe finds no fault at %d pixels, and nothing scrolls sideways", async (width) => {
    context = await openBrowser({ colorScheme, viewport: { width, height: 800 } });
    ({ page, wrong } = await openPage(context, site.address));
    await page.check("#chips-shown");
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    await shot(page, `${colorScheme}-${width}`);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(await inaccessible(page)).toEqual([]);
  });
});
