"""The page in a real browser with a fake camera. Run by `make test-browser`."""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from serving import fkd_serve, stripping_proxy

playwright = pytest.importorskip("playwright.sync_api", reason="needs `make test-browser`")

PROJECT = Path(__file__).parents[2]
BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
SCREENSHOTS = PROJECT / "build" / "screenshots"
SWAY = 60  # pixels to each side that the face of the video moves
pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium: run `make test-browser`")


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of a running server, which may also be asked below /faces."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with fkd_serve(port, "--root-path", "/faces"):
        yield port


@pytest.fixture(scope="module")
def site(server) -> str:
    """The address of the page."""
    return f"http://127.0.0.1:{server}"


@pytest.fixture(scope="module")
def ten(tmp_path_factory) -> Path:
    """A photo of ten faces, each 110 pixels wide."""
    face = cv2.imread(str(PROJECT / "docs" / "astronaut.png"))[20:220, 120:330]
    path = tmp_path_factory.mktemp("photos") / "ten.png"
    cv2.imwrite(str(path), np.tile(face, (2, 5, 1)))
    return path


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
        bypass_csp=True, permissions=["camera"], viewport={"width": 1280, "height": 800}
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


@pytest.mark.slow  # and needs both cores for itself
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


def test_of_an_animation_it_is_said_that_the_first_picture_is_searched(page, tmp_path):
    photo = Pillow.open(PROJECT / "docs" / "astronaut.png")
    photo.save(tmp_path / "a.gif", save_all=True, append_images=[photo.rotate(180)])
    page.set_input_files("#photo", tmp_path / "a.gif")
    page.wait_for_function("last && el.message.textContent.includes('face')")
    assert page.inner_text("#message") == "1 face in the first picture of the file"


def test_a_photo_is_answered_drawn_and_saved(page):
    page.set_input_files("#photo", PROJECT / "docs" / "astronaut.png")
    page.wait_for_function("last && last.answer.faces.length === 1")
    assert abs(nose(page)[0] - 223) < 6 and abs(nose(page)[1] - 127) < 8
    shot(page, "photo")
    for button, name in (("#save-json", "fkd.json"), ("#save-picture", "fkd.png")):
        with page.expect_download() as download:
            page.click(button)
        assert download.value.suggested_filename == name
        saved = Path(download.value.path())
        assert saved.stat().st_size > 1000
    photo = cv2.imread(str(PROJECT / "docs" / "astronaut.png"))
    changed = np.abs(cv2.imread(str(saved)).astype(int) - photo).max(axis=2) > 30
    left, top, width, height = cv2.boundingRect(changed.astype(np.uint8))
    assert left > 160 and left + width < 290 and top > 50 and top + height < 190


def test_numbers_are_drawn_where_they_can_be_read_and_else_left_out_with_a_word(page, ten):
    for photo, readable in ((cropped(ten, 1), True), (ten, False)):
        page.uncheck("#numbers")
        page.set_input_files("#photo", photo)
        page.wait_for_function(f"last?.answer.faces.length === {1 if readable else 10}")
        before = page.evaluate("el.view.toDataURL()")
        page.check("#numbers")
        assert (page.evaluate("el.view.toDataURL()") != before) is readable
        assert page.locator("#left-out").is_visible() is not readable


def cropped(ten: Path, faces: int) -> Path:
    """The first faces of the upper row alone."""
    path = ten.with_name(f"{faces}.png")
    cv2.imwrite(str(path), cv2.imread(str(ten))[:200, : 210 * faces])
    return path


def test_marks_are_as_thick_for_a_face_of_any_size(page):
    thickness = """(side) => {
        const white = new OffscreenCanvas(2000, 200), canvas = new OffscreenCanvas(2000, 200);
        Object.assign(white.getContext("2d"), { fillStyle: "white" }).fillRect(0, 0, 2000, 200);
        const answer = { width: 2000, faces: [{ box: [100, -100, side, 400], points: [] }] };
        drawPicture(canvas, { picture: white, answer }, { points: false, contours: null }, 1);
        const row = canvas.getContext("2d").getImageData(0, 100, 200, 1).data;
        return row.filter((value, i) => i % 4 === 0 && value < 150).length;
    }"""
    small, large = page.evaluate(thickness, 280), page.evaluate(thickness, 1680)
    assert (small, large) == (2, 12)


def test_each_face_is_listed_with_its_score_and_what_the_words_mean(page, ten):
    page.set_input_files("#photo", ten)
    page.wait_for_function("last?.answer.faces.length === 10")
    faces = page.evaluate("last.answer.faces")
    rows = [row.split() for row in page.locator("#faces tr").all_inner_texts()]
    expected = [
        [i, f"{100 * f['score']:.0f}", "%", f"{100 * np.mean(f['confidence']):.0f}", "%"]
        for i, f in enumerate(faces, 1)
    ]
    assert [row[:5] for row in rows] == [[str(cell) for cell in row] for row in expected]
    assert page.is_visible("text=the probability that this is a face")
    assert page.is_visible("text=the probability that a point is right")


def test_a_chosen_smallest_face_is_searched_for_at_once(page, ten):
    """Beside a large face, one of 39 pixels is not searched for by itself."""
    picture = np.full((512, 1600, 3), 128, np.uint8)
    picture[:, :512] = astronaut = cv2.imread(str(PROJECT / "docs" / "astronaut.png"))
    picture[100:292, 1200:1392] = cv2.resize(astronaut, (192, 192), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(ten.with_name("two.png")), picture)
    page.set_input_files("#photo", ten.with_name("two.png"))
    page.wait_for_function("last?.answer.faces.length === 1")
    page.fill("#min-face", "12")
    page.keyboard.press("Enter")
    page.wait_for_function("last.answer.faces.length === 2 && last.answer.min_face === 12")
    page.fill("#min-face", "0")
    page.keyboard.press("Enter")
    page.wait_for_function("el.message.textContent.includes('min_face')")


def test_a_desktop_shows_the_picture_wide_and_the_list_beside_it(page, ten):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.set_input_files("#photo", ten)
    page.wait_for_function("last?.answer.faces.length === 10")
    picture, listed = (page.locator(name).bounding_box() for name in ("#view", "#faces"))
    assert picture["width"] > 900 and listed["x"] > picture["x"] + picture["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    shot(page, "desktop")


def test_the_page_works_below_a_path_that_a_proxy_takes_away(browser, server):
    with stripping_proxy("/faces", server) as port:
        page = browser.new_page(bypass_csp=True)
        missing: list[str] = []
        page.on("response", lambda r: r.ok or missing.append(r.url))
        page.goto(f"http://127.0.0.1:{port}/faces/")
        page.wait_for_function("el.model.options.length > 0")
        page.set_input_files("#photo", PROJECT / "docs" / "astronaut.png")
        page.wait_for_function("last?.answer.faces.length === 1")
        page.context.grant_permissions(["camera"])
        page.click("#camera")
        page.wait_for_function("last.picture !== null && live?.answers.length > 2", timeout=20_000)
        page.click("text=Interface")
        page.wait_for_selector("text=POST /v1/landmarks")
        assert f"http://127.0.0.1:{port}/faces/v1/landmarks" in page.inner_text("#paths")
        page.click("text=The page")
        page.wait_for_function("el.model.options.length > 0")
        page.close()
        assert missing == []


def test_a_wall_has_no_face_and_text_is_not_a_picture(page, tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 300, 3), 160, np.uint8))
    page.set_input_files("#photo", tmp_path / "wall.png")
    page.wait_for_function("el.message.textContent.startsWith('No face')")
    least = page.evaluate("last.answer.min_face")
    assert page.inner_text("#message") == f"No face, looked down to {least} px." and least == 8
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
    for _ in range(15):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    wanted = {
        "camera",
        "photo",
        "points",
        "contours",
        "numbers",
        "mirror",
        "smooth",
        "model",
        "min-face",
    }
    assert wanted <= set(reached)


def test_the_licence_is_shown_while_the_research_model_is_chosen(page):
    page.select_option("#model", "research")
    page.wait_for_function("el.licence.textContent.includes('research use only')")
    shot(page, "licence")
    page.select_option("#model", "base")
    page.wait_for_function("el.licence.textContent === ''")
    assert not page.is_visible("#licence")
