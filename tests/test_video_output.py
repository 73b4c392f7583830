"""What `fkd video` writes, read back by PyAV: H.264, the times of its frames and its sound."""

import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fkd.cli import app
from fkd.inference.video import open_video

SIZE = (64, 48)
SECONDS = 3.0
TONE_AT = 1.8  # silence, and from then on a tone
AUDIO_RATE = 48_000
# A phone's frames: three quick ones, one late.
TIMES = [round(0.2 * step + late, 3) for step in range(15) for late in (0.0, 0.03, 0.06)]


def colour_of(number: int) -> tuple[int, int, int]:
    return 40 + 4 * number, 200 - 3 * number, 90


def make_video(
    path: Path, sound: str | None = None, shift: float = 0.0, codec: str = "libx264"
) -> Path:
    """Frames of one colour each, at TIMES; the file's clock begins at `shift`, seconds."""
    with av.open(str(path), "w") as output:
        video = output.add_stream(codec, rate=30, width=SIZE[0], height=SIZE[1])
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        audio = output.add_stream(sound, rate=AUDIO_RATE, layout="mono") if sound else None
        for number, time in enumerate(TIMES):
            image = np.full((SIZE[1], SIZE[0], 3), colour_of(number), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = round(1000 * (time + shift)), Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode())
        if audio:
            clock = np.arange(round(SECONDS * AUDIO_RATE)) / AUDIO_RATE
            tone = 8000 * np.sin(2 * np.pi * 440 * clock) * (clock >= TONE_AT)
            sound_frame = av.AudioFrame.from_ndarray(np.int16(tone)[None], "s16", "mono")
            sound_frame.sample_rate = AUDIO_RATE
            sound_frame.pts, sound_frame.time_base = (
                round(shift * AUDIO_RATE),
                Fraction(1, AUDIO_RATE),
            )
            output.mux(audio.encode(sound_frame))
            output.mux(audio.encode())
    return path


def drawn(source: Path, *options: str):
    """`fkd video` of a video, and the path of what it wrote."""
    output = source.parent / "out.mp4"
    done = CliRunner().invoke(app, ["video", str(source), "-o", str(output), *options])
    assert done.exit_code == 0, done.stderr
    return done, output


def frame_times(path: Path) -> list[float]:
    with av.open(str(path)) as source:
        return [frame.time for frame in source.decode(video=0)]


def tone_begins(path: Path) -> float:
    """When the tone begins, seconds after the first frame of the video."""
    with av.open(str(path)) as source:
        frames = list(source.decode(audio=0))
        samples = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames])
        loud = np.flatnonzero(np.abs(samples) > 0.3 * np.abs(samples).max())[0]
        begins = frames[0].time + loud / frames[0].sample_rate
    return begins - frame_times(path)[0]


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as source:
        return [bytes(packet) for packet in source.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("name", "sound", "shift"),
    [
        ("in.mp4", "aac", 0.0),
        ("in.mkv", "libopus", 0.7),
        ("in.ts", "mp2", 1.5),
        ("in.mov", "alac", 0.0),
    ],
)
def test_the_frames_and_the_sound_keep_their_times(tmp_path, name, sound, shift):
    source = make_video(tmp_path / name, sound, shift)
    _, output = drawn(source)
    np.testing.assert_allclose(frame_times(output), TIMES, atol=1e-3)
    assert tone_begins(source) == pytest.approx(TONE_AT, abs=0.01)
    assert tone_begins(output) == pytest.approx(TONE_AT, abs=0.03)


def test_sound_that_browsers_play_is_copied_to_the_byte(tmp_path):
    source = make_video(tmp_path / "in.mp4", "aac")
    _, output = drawn(source)
    assert packets(output) == packets(source) and len(packets(source)) > 100


def test_it_is_what_browsers_play_and_its_index_comes_first(tmp_path):
    _, output = drawn(make_video(tmp_path / "in.mkv", "pcm_s16le"))
    with av.open(str(output)) as written:
        video, audio = written.streams.video[0], written.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert audio.codec_context.name == "aac"
    data = output.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_a_constant_frame_rate_is_kept_exactly(tmp_path):
    path, rate = tmp_path / "in.mp4", Fraction(24000, 1001)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=rate, width=64, height=48, pix_fmt="yuv420p")
        for _ in range(30):
            output.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        output.mux(stream.encode())
    _, drawn_path = drawn(path)
    with av.open(str(drawn_path)) as written:
        assert written.streams.video[0].average_rate == rate


def test_colours_stay_and_an_odd_size_grows_by_a_pixel(tmp_path):
    path, colour = tmp_path / "in.mkv", (40, 120, 200)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25, width=65, height=49, pix_fmt="bgr0")
        for _ in range(5):
            image = np.full((49, 65, 3), colour, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        output.mux(stream.encode())
    _, written = drawn(path)
    image = next(iter(open_video(str(written)))).image
    assert image.shape == (50, 66, 3)
    np.testing.assert_allclose(image.reshape(-1, 3), np.full((50 * 66, 3), colour), atol=4)


def test_sound_that_is_damaged_ends_there_and_it_is_said(tmp_path):
    source = make_video(tmp_path / "in.mkv", "ac3")
    with av.open(str(source)) as opened:
        places = [(packet.pos, packet.size) for packet in opened.demux(audio=0) if packet.size]
    data = bytearray(source.read_bytes())
    for place, size in places[len(places) // 2 :]:
        data[place + 4 : place + size] = bytes(size - 4)
    source.write_bytes(data)
    done, output = drawn(source)
    assert "the sound ends before the end (" in done.stderr
    np.testing.assert_allclose(frame_times(output), TIMES, atol=1e-3)


def test_without_pyav_opencv_writes_and_one_line_says_what_is_missing(tmp_path, monkeypatch):
    source = make_video(tmp_path / "in.mp4", "aac")
    monkeypatch.setitem(sys.modules, "av", None)
    done, output = drawn(source)
    capture = cv2.VideoCapture(str(output))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == len(TIMES)
    assert int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little") in (b"mp4v", b"FMP4")
    (line,) = [line for line in done.stderr.splitlines() if "[video]" in line]
    assert "no sound" in line and "pip install" in line


def test_a_video_without_sound_comes_out_without(tmp_path):
    _, output = drawn(make_video(tmp_path / "in.mp4"))
    with av.open(str(output)) as written:
        assert [stream.codec_context.name for stream in written.streams] == ["h264"]
