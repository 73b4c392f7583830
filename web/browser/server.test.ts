/** The page of `fkd serve`, whose networks it may use instead of its own. */

import type { BrowserContext, Page } from "playwright-core";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { LiveRecord } from "../page/engine.js";
import type { PhotoRecord } from "../src/index.js";
import { ANSWERS, inaccessible, message, openBrowser, openPage, savedJson, shot } from "./chromium.js";
import { serve, strippingProxy, type Server } from "./serving.js";

const ASTRONAUT = join(ANSWERS, "astronaut.png");
const SWAY = 60; // pixels to each side that the camera's face moves
const PROMISE = "68 facial keypoints, live. Pictures are sent only to this server, and it does not store them.";

let server: Server, context: BrowserContext, page: Page, wrong: string[];

async function open(address = server.address): Promise<void> {
  context = await openBrowser({ permissions: ["camera"] });
  ({ page, wrong } = await openPage(context, address));
}

describe("where `make web` has built what computes in the browser", () => {
  beforeAll(async () => {
    server = await serve({ device: true });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await open();
    await page.locator("#engine-choice").waitFor();
  });
  afterEach(async () => {
    await context.close();
    expect(wrong).toEqual([]); // nor its content policy
  });

  test("photos are answered on this device, and by the server where it is chosen", async () => {
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    expect(await savedJson<PhotoRecord>(page)).toMatchObject({ image: "astronaut.png", model: "nano" });
    expect(await page.innerText("#promise")).toContain("never leave this device");
    await page.selectOption("#engine", "the server");
    await expect.poll(async () => (await savedJson<PhotoRecord>(page)).image).toBe("body");
    expect(await page.innerText("#promise")).toBe(PROMISE);
    await page.selectOption("#model", "research");
    await expect.poll(() => page.innerText("#licence")).toContain("research use only");
    await expect.poll(async () => (await savedJson<PhotoRecord>(page)).model).toBe("research");
    await shot(page, "server");
    await page.selectOption("#model", "base");
    await expect.poll(() => page.isVisible("#licence")).toBe(false);
  });

  test("the camera is followed by the server", async () => {
    await page.selectOption("#engine", "the server");
    await page.click("#camera");
    await message(page, "1 face");
    expect((await savedJson<LiveRecord>(page)).faces[0]!.id).toBe(1);
    expect(await page.locator("#figures dt").allInnerTexts()).toEqual(["frames per second", "decode", "track"]);
    await page.selectOption("#engine", "this device");
    await expect.poll(() => page.locator("#figures dt").allInnerTexts()).toContain("points");
  });

  test("it works without the server after the first visit, on this device", async () => {
    await page.locator("#offline").filter({ hasText: "without a network" }).waitFor();
    await context.route("**/*", (route) => route.abort());
    await context.setOffline(true);
    await page.reload();
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    expect(await page.isVisible("#engine-choice")).toBe(false);
    wrong.splice(0, Infinity, ...wrong.filter((line) => !/ERR_(INTERNET_DISCONNECTED|FAILED)/.test(line)));
  });
});

test("the server comes first where it has another model than the browser", async () => {
  server = await serve({ device: true, options: ["--model", "research"] });
  try {
    await open();
    await expect.poll(() => page.inputValue("#engine")).toBe("the server");
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    expect(await savedJson<PhotoRecord>(page)).toMatchObject({ image: "body", model: "research" });
    await page.selectOption("#engine", "this device");
    await expect.poll(async () => (await savedJson<PhotoRecord>(page)).model).toBe("nano");
    expect(wrong).toEqual([]);
  } finally {
    await context.close();
    await server.stop();
  }
});

describe("of a clone, where nothing has been built", () => {
  beforeAll(async () => {
    server = await serve({ device: false, options: ["--root-path", "/faces"] });
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });

  test("photos go to the server, which the page says, with the server's models", async () => {
    await open();
    await expect.poll(() => page.innerText("#promise")).toBe(PROMISE);
    expect(await page.isVisible("#engine-choice")).toBe(false);
    expect(await page.locator("#model option").allInnerTexts()).toEqual(["base", "nano", "research"]);
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    expect(await savedJson<PhotoRecord>(page)).toMatchObject({ image: "body", model: "base", width: 512 });
    await shot(page, "clone");
    await page.setInputFiles("#file", join(ANSWERS, "animation.gif"));
    await message(page, "1 face in the first picture of the file");
    await page.setInputFiles("#file", join(ANSWERS, "wall.png"));
    await message(page, "No face, looked down to 8 px.");
    expect(await page.innerText("#offline")).toBe("");
  });

  test("points move with the face", async () => {
    await open();
    await page.selectOption("#model", "nano");
    await page.click("#camera");
    await message(page, "1 face");
    const places: number[] = [];
    const until = Date.now() + 4000;
    while (Date.now() < until) {
      const { faces } = await savedJson<LiveRecord>(page);
      expect(faces.map(({ id }) => id)).toEqual([1]);
      places.push(faces[0]!.points[30]![0]);
    }
    const moved = Math.max(...places) - Math.min(...places);
    expect(moved).toBeGreaterThan(SWAY);
    expect(moved).toBeLessThan(2.6 * SWAY);
    await shot(page, "clone-camera");
    await page.click("text=Stop camera");
    expect(await page.innerText("#camera")).toBe("Start camera");
  });

  test.each(["light", "dark"] as const)("axe finds no fault in %s colours on a phone, and nothing scrolls sideways", async (colorScheme) => {
    context = await openBrowser({ colorScheme, viewport: { width: 360, height: 800 } });
    ({ page, wrong } = await openPage(context, server.address));
    await page.selectOption("#model", "research");
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
    expect(await inaccessible(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    await page.click("text=Interface");
    await page.waitForSelector("text=POST /v1/landmarks");
    expect(await inaccessible(page)).toEqual([]);
    await shot(page, `interface-${colorScheme}-360`);
  });

  test("the interface is described with examples", async () => {
    await open();
    await page.click("text=Interface");
    await page.waitForSelector("text=POST /v1/landmarks");
    const shown = await page.innerText("main");
    for (const text of ["curl -F file=@photo.jpg", '"confidence"', "415: Not a picture"]) expect(shown).toContain(text);
    await shot(page, "interface");
  });

  test("the page works below a path that a proxy takes away", async () => {
    const proxy = await strippingProxy("/faces", server.port);
    try {
      await open(`${proxy.address}/faces/`);
      await page.setInputFiles("#file", ASTRONAUT);
      await message(page, "1 face");
      await page.click("#camera");
      await page.locator("#figures dt").filter({ hasText: "track" }).waitFor();
      await page.click("text=Interface");
      await page.waitForSelector("text=POST /v1/landmarks");
      expect(await page.innerText("#paths")).toContain(`${proxy.address}/faces/v1/landmarks`);
      await page.click("text=The page");
      await page.locator("#model option").first().waitFor({ state: "attached" });
    } finally {
      await context.close();
      await proxy.close();
    }
  });

  test("a photo and a camera that come before the server has said its models wait for it", async () => {
    context = await openBrowser({ permissions: ["camera"] });
    await context.route("**/v1/model", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await route.continue();
    });
    ({ page, wrong } = await openPage(context, server.address));
    await page.setInputFiles("#file", ASTRONAUT);
    expect(await page.innerText("#promise")).toBe("68 facial keypoints, live.");
    await message(page, "1 face");
    expect(await savedJson<PhotoRecord>(page)).toMatchObject({ image: "body" });
    await page.reload();
    await page.click("#camera");
    await page.locator("#figures dt").filter({ hasText: "track" }).waitFor();
  });

  test("a browser without WebAssembly SIMD is no matter", async () => {
    context = await openBrowser();
    await context.addInitScript("WebAssembly.validate = () => false");
    ({ page, wrong } = await openPage(context, server.address));
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "1 face");
  });

  test("that the server does not respond is said, at the start and later", async () => {
    await open();
    await page.locator("#model option").first().waitFor({ state: "attached" });
    await context.route("**/v1/**", (route) => route.abort());
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "Error: the server does not respond.");
    await page.reload();
    await message(page, "The server does not respond.");
    expect(await page.isDisabled("#camera")).toBe(true);
    await shot(page, "away");
    wrong.splice(0, Infinity, ...wrong.filter((line) => !line.includes("ERR_FAILED")));
  });

  test("a busy server is said and asked again; the end of a stream is said with its reason", async () => {
    await open();
    let refusals = 0;
    await page.routeWebSocket(/v1\/stream/, (socket) => {
      socket.onMessage(() => {
        if (refusals++) void socket.close({ code: 1013, reason: "no frame for 60 seconds" });
        else socket.send(JSON.stringify({ error: "the server is busy" }));
      });
    });
    await page.click("#camera");
    await message(page, "Error: the server is busy.");
    await message(page, "Error: the stream ended: no frame for 60 seconds.");
    expect(await page.innerText("#camera")).toBe("Start camera");
  });

  test("what the server refuses is said in its words", async () => {
    await open();
    await page.fill("#min-face", "1");
    await context.route("**/v1/landmarks*", (route) => route.fulfill({ status: 422, json: { error: "min_face is too small" } }));
    await page.setInputFiles("#file", ASTRONAUT);
    await message(page, "Error: min_face is too small.");
    wrong.splice(0, Infinity, ...wrong.filter((line) => !line.includes("422")));
  });
});
