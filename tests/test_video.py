"""`fkd video`: videos in and out, whole, broken and interrupted."""

import json
import os
import re
import signal
import subprocess
import sys
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fkd.cli import app
from fkd.inference.video import VideoError, open_video
from fkd.inference.video_output import write_video

FRAMES = 24


@pytest.fixture(scope="module")
def video(astronaut, tmp_path_factory):
    """The astronaut, moving slowly through a video of 24 frames."""
    path = tmp_path_factory.mktemp("video") / "video.mp4"
    with write_video(path, 24.0, (320, 256)) as writer:
        for step in range(FRAMES):
            image = np.ascontiguousarray(astronaut[:256, 60 + step : 380 + step])
            writer.write(image, step / 24)
    return path


def fkd(*arguments: object):
    return CliRunner().invoke(app, ["video", *map(str, arguments)])


def frames_of(path) -> list[np.ndarray]:
    return [frame.image for frame in open_video(str(path))]


def test_each_frame_has_a_line_with_the_face_where_it_is(video):
    done = fkd(video, "--json")
    assert done.exit_code == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(FRAMES))
    assert lines[12]["seconds"] == pytest.approx(0.5)
    first, last = (np.array(line["faces"][0]["points"]).mean(axis=0) for line in lines[::23])
    assert {face["id"] for line in lines for face in line["faces"]} == {1}
    np.testing.assert_allclose(first - last, [FRAMES - 1, 0], atol=4)  # the camera goes right


def test_the_drawn_video_has_the_size_rate_and_frames_of_the_one_that_came_in(video, tmp_path):
    done = fkd(video, "-o", tmp_path / "out" / "drawn.mp4")
    assert done.exit_code == 0 and "24 frames" in done.stderr
    drawn = open_video(str(tmp_path / "out" / "drawn.mp4"))
    assert (drawn.size, drawn.rate, drawn.frames) == ((320, 256), 24.0, FRAMES)
    changed = np.abs(np.int16(frames_of(video)[5]) - frames_of(tmp_path / "out/drawn.mp4")[5])
    assert (changed > 60).sum() > 300
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["drawn.mp4"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "no such file"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_bytes(b""), "the file is empty"),
        (lambda p: p.write_text("not a video"), "not a video that can be read"),
    ],
)
def test_what_is_no_video_is_refused_in_one_sentence(tmp_path, make, message):
    path = tmp_path / "in.mp4"
    make(path)
    done = fkd(path, "--json")
    assert done.exit_code == 2 and done.stdout == ""
    assert message in done.stderr and str(path) in done.stderr and done.stderr.count("\n") == 1


def test_an_address_is_not_called_a_missing_file():
    done = fkd("https://example.com/a.mp4", "--json")
    said = "https://example.com/a.mp4: videos are read from files and cameras, not from addresses"
    assert done.exit_code == 2 and done.stderr == f"fkd: {said}\n"


def test_of_one_frame_the_count_is_one_frame(tmp_path, astronaut):
    with write_video(tmp_path / "one.mp4", 24.0, (320, 256)) as writer:
        writer.write(astronaut[:256, 60:380].copy(), 0.0)
    assert re.search(r"one.mp4: 1 frame, \d+ a second$", fkd(tmp_path / "one.mp4", "--json").stderr)


def test_a_truncated_video_gives_its_frames_and_says_so(video, tmp_path):
    whole = cv2.VideoWriter(
        str(tmp_path / "cut.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 24.0, (320, 256)
    )
    for frame in 4 * frames_of(video):
        whole.write(frame)
    whole.release()
    data = (tmp_path / "cut.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    done = fkd(tmp_path / "cut.avi", "--json", "-o", tmp_path / "out.mp4")
    lines = done.stdout.splitlines()
    assert done.exit_code == 1 and 20 < len(lines) < 4 * FRAMES - 24
    assert f"ends after {len(lines)} of {4 * FRAMES} frames" in done.stderr
    assert len(frames_of(tmp_path / "out.mp4")) == len(lines)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_seconds_of_a_frame_are_those_at_which_a_player_shows_it(tmp_path, suffix):
    """A variable frame rate; .mkv knows only its length, not how many frames it has."""
    times = [0.0, 0.033, 0.1, 0.5, 0.9, 1.3, 1.96, 2.0, 3.1, 4.7]
    with av.open(str(tmp_path / f"in{suffix}"), "w") as output:
        stream = output.add_stream("libx264", rate=30, width=64, height=48, pix_fmt="yuv420p")
        stream.codec_context.time_base = Fraction(1, 1000)
        for time in times:
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    done = fkd(tmp_path / f"in{suffix}", "--json")
    assert done.exit_code == 0, done.stderr
    assert [json.loads(line)["seconds"] for line in done.stdout.splitlines()] == times


def test_a_stream_without_timestamps_gets_those_of_its_rate(tmp_path, video):
    raw = tmp_path / "in.mjpeg"
    raw.write_bytes(
        b"".join(cv2.imencode(".jpg", image)[1].tobytes() for image in frames_of(video))
    )
    opened = open_video(str(raw))
    seconds = [frame.seconds for frame in opened]
    np.testing.assert_allclose(seconds, np.arange(FRAMES) / opened.rate, atol=1e-6)


def test_a_smallest_face_is_searched_for_in_each_frame_and_told(video):
    for min_face, ids in (("60", [1]), ("200", [])):
        done = fkd(video, "--json", "--min-face", min_face)
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["min_face"] == int(min_face) and [f["id"] for f in last["faces"]] == ids


def test_nothing_to_do_a_wrong_suffix_and_the_input_as_output_are_refused(video, tmp_path):
    assert "nothing to do" in fkd(video).stderr
    assert "must end in .mp4" in fkd(video, "-o", tmp_path / "out.mkv").stderr
    assert "would be overwritten" in fkd(video, "-o", video).stderr
    for option in ("--beta", "--min-cutoff"):
        refused = fkd(video, "--json", option, "inf")
        assert refused.exit_code == 2 and "inf is not a finite" in refused.stderr
    assert len(frames_of(video)) == FRAMES


def test_a_missing_camera_is_named_and_opencv_adds_nothing(capfd):
    with pytest.raises(VideoError, match="camera 97: cannot be opened"):
        open_video("97")
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_leaves_a_video_that_plays(video, tmp_path):
    long = tmp_path / "long.mp4"
    with write_video(long, 24.0, (320, 256)) as writer:
        for number, image in enumerate(frames_of(video) * 20):
            writer.write(image, number / 24)
    out = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "fkd", "video", str(long), "--json", "-o", str(out)]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A suite that a script starts in the background ignores the signal, and so would a child.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stdout
    for _ in range(30):
        running.stdout.readline()
    os.kill(running.pid, signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert 25 < len(frames_of(out)) < 20 * FRAMES
    assert sorted(p.name for p in tmp_path.iterdir()) == ["long.mp4", "out.mp4"]


def test_another_error_leaves_no_video(video, tmp_path):
    with pytest.raises(RuntimeError), write_video(tmp_path / "out.mp4", 24.0, (320, 256)) as writer:
        writer.write(frames_of(video)[0], 0.0)
        raise RuntimeError("full disk")
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_and_a_video_that_is_not_whole_are_errors(video, tmp_path):
    first = frames_of(video)[0]
    with (
        pytest.raises(VideoError, match="frame 1 is 160x128, not 320x256"),
        write_video(tmp_path / "out.mp4", 24.0, (320, 256)) as writer,
    ):
        writer.write(first, 0.0)
        writer.write(np.ascontiguousarray(first[::2, ::2]), 0.1)
    with (
        pytest.raises(VideoError, match="could not be written whole"),
        write_video(tmp_path / "out.mp4", 24.0, (320, 256)) as writer,
    ):
        writer.write(first, 0.0)
        writer.frames += 1  # as when the disk is full and a frame never arrives
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_was_planted_under_the_partial_name_is_not_followed(video, tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("by hand")
    (tmp_path / ".out.partial.mp4").symlink_to(precious)
    assert fkd(video, "-o", tmp_path / "out.mp4").exit_code == 0
    assert precious.read_text() == "by hand" and len(frames_of(tmp_path / "out.mp4")) == FRAMES


def test_a_video_that_does_not_fit_is_one_sentence_and_leaves_nothing(video, tmp_path, small_files):
    with small_files(20_000):
        done = fkd(video, "-o", tmp_path / "out.mp4")
    assert done.exit_code == 1 and list(tmp_path.iterdir()) == []
    assert done.stderr == f"fkd: {tmp_path}/out.mp4: could not be written whole (file too large)\n"


def test_standard_output_on_a_full_disk_is_one_sentence_and_leaves_no_video(video, tmp_path):
    command = f"{sys.executable} -m fkd video {video} --json -o out.mp4 > /dev/full"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == "fkd: standard output: no space left on device\n"
    assert done.returncode == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("which", ["source", "output"])
def test_a_name_that_is_no_text_is_refused_before_opencv_crashes(video, tmp_path, which):
    odd = tmp_path / "J\udcf6rg.mp4"
    odd.write_bytes(video.read_bytes())
    source, output = (odd, tmp_path / "out.mp4") if which == "source" else (video, odd)
    command = [sys.executable, "-m", "fkd", "video", str(source), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True)
    sentence = rf"fkd: {tmp_path}/J\udcf6rg.mp4: a video's name must be text in UTF-8"
    assert (done.returncode, done.stderr) == (2, sentence + "\n")


def test_an_output_that_cannot_be_written_is_refused_at_once(video, tmp_path):
    (tmp_path / "file").write_text("no folder")
    done = fkd(video, "-o", tmp_path / "file" / "out.mp4")
    assert done.exit_code == 2 and "file: cannot write there" in done.stderr


def test_a_folder_as_output_is_refused_at_once(video, tmp_path):
    (tmp_path / "out.mp4").mkdir()
    refused = fkd(video, "-o", tmp_path / "out.mp4")
    assert refused.exit_code == 2 and "out.mp4: is a folder" in refused.stderr
