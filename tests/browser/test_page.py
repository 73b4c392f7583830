"""The page in a real browser with a fake camera. Run by `make test-browser`."""

import os
import shutil
import socket
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from serving import fkd_serve

playwright = pytest.importorskip("playwright.sync_api", reason="needs `make test-browser`")

PROJECT = Path(__file__).parents[2]
BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
SCREENSHOTS = PROJECT / "build" / "screenshots"
SWAY = 60  # pixels to each side that the face of the video moves
pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium: run `make test-browser`")


@pytest.fixture(scope="module")
def site():
    """The address of a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with fkd_serve(port) as (address, _):
        yield address


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """The astronaut swaying in 640x480, as the raw frames that Chromium takes for a camera."""
    photo = cv2.imread(str(PROJECT / "docs" / "astronaut.png"))
    frames = []
    for t in range(60):
        x = 320 - 2 * 222 + SWAY * np.sin(2 * np.pi * t / 60)
        move = np.array([[2, 0, x], [0, 2, -20]], np.float64)
        frame = cv2.warpAffine(photo, move, (640, 480), borderMode=cv2.BORDER_REPLICATE)
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    head = b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n"
    path.write_bytes(head + b"".join(b"FRAME\n" + frame for frame in frames))
    return path


@pytest.fixture(scope="module")
def browser(video):
    flags = [
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
        "--no-sandbox",
    ]
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, site):
    """The page, with the camera allowed; fails the test when one of its scripts fails."""
    context = browser.new_context(
        bypass_csp=True, permissions=["camera"], viewport={"width": 900, "height": 900}
    )
    opened = context.new_page()
    errors: list[str] = []
    outside: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on(
        "request", lambda r: r.url.startswith((site, "blob:", "data:")) or outside.append(r.url)
    )
    opened.goto(site)
    opened.wait_for_function("el.model.options.length > 0")
    yield opened
    context.close()
    assert errors == [] and outside == []


def shot(page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def figure(page, name: str) -> float:
    return float(page.locator(f"dt:text-is('{name}') + dd").inner_text().split()[0])


def nose(page) -> list[float]:
    return page.evaluate("last.answer.faces[0].points[30]")


def test_the_camera_shows_points_that_move_with_the_face_at_15_frames_per_second(page):
    page.click("#camera")
    page.wait_for_function("last && last.answer.faces.length === 1", timeout=20_000)
    time.sleep(4)
    rate = figure(page, "frames per second")
    places = []
    for _ in range(25):
        places.append(nose(page))
        time.sleep(0.1)
    shot(page, "camera")
    x, y = np.array(places).T
    assert 1.5 * SWAY < np.ptp(x) < 2.6 * SWAY and np.ptp(y) < 15
    assert page.inner_text("#message") == "1 face"
    assert {face["id"] for face in page.evaluate("last.answer.faces")} == {1}
    page.click("#camera")
    assert page.inner_text("#camera") == "Start camera"
    print(f"{rate:.1f} frames per second")
    assert rate >= 15


def test_the_camera_is_mirrored_until_switched_off(page):
    page.click("#camera")
    page.wait_for_function("last && last.answer.faces.length === 1", timeout=20_000)
    assert page.evaluate("last.mirrored") is True
    page.uncheck("#mirror")
    page.wait_for_function("last.mirrored === false")


def test_a_photo_is_answered_drawn_and_saved(page):
    page.set_input_files("#photo", PROJECT / "docs" / "astronaut.png")
    page.wait_for_function("last && last.answer.faces.length === 1")
    assert abs(nose(page)[0] - 223) < 6 and abs(nose(page)[1] - 127) < 8
    before = page.evaluate("el.view.toDataURL()")
    page.check("#numbers")
    assert page.evaluate("el.view.toDataURL()") != before
    shot(page, "photo")
    for button, name in (("#save-json", "fkd.json"), ("#save-picture", "fkd.png")):
        with page.expect_download() as download:
            page.click(button)
        assert download.value.suggested_filename == name
        assert Path(download.value.path()).stat().st_size > 1000


def test_a_wall_has_no_face_and_text_is_not_a_picture(page, tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 300, 3), 160, np.uint8))
    page.set_input_files("#photo", tmp_path / "wall.png")
    page.wait_for_function("el.message.textContent === 'No face found.'")
    (tmp_path / "note.jpg").write_text("hello")
    page.set_input_files("#photo", tmp_path / "note.jpg")
    page.wait_for_function("el.message.textContent.includes('not a picture')")


def test_a_refused_camera_gives_a_message(browser, site):
    context = browser.new_context(bypass_csp=True, permissions=[])
    page = context.new_page()
    page.goto(site)
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => "
        "Promise.reject(new DOMException('no', 'NotAllowedError')); }"
    )
    page.click("#camera")
    page.wait_for_function("el.message.textContent.includes('Camera access was refused')")
    shot(page, "refused")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(browser, site, scheme):
    context = browser.new_context(
        bypass_csp=True, viewport={"width": 360, "height": 740}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(site)
    page.set_input_files("#photo", PROJECT / "docs" / "astronaut.png")
    page.wait_for_function("last && last.answer.faces.length === 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, f"phone-{scheme}")
    context.close()


def test_the_page_works_under_its_own_security_policy(browser, site):
    """The other tests bypass it, because they run scripts of their own in the page."""
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    page.goto(site)
    page.click("#camera")
    playwright.expect(page.locator("#message")).to_have_text("1 face", timeout=20_000)
    page.click("#camera")
    context.close()


def test_the_interface_is_described_with_examples(page, site):
    page.click("text=Interface")
    page.wait_for_selector("text=POST /v1/landmarks")
    assert "curl -F file=@photo.jpg" in page.inner_text("main")
    shown = page.inner_text("main")
    assert '"confidence"' in shown and "415: Not a picture" in shown
    shot(page, "interface")


def test_the_keyboard_reaches_everything(page):
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    wanted = {"camera", "photo", "points", "contours", "numbers", "mirror", "smooth", "model"}
    assert wanted <= set(reached)


def test_the_licence_is_shown_while_the_research_model_is_chosen(page):
    page.select_option("#model", "research")
    page.wait_for_function("el.licence.textContent.includes('research use only')")
    shot(page, "licence")
    page.select_option("#model", "base")
    page.wait_for_function("el.licence.textContent === ''")
    assert not page.is_visible("#licence")
