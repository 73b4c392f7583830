"""The sound of a video's file, copied into another video by PyAV."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

# What .mp4 can hold and browsers play; other sound becomes AAC.
COPIED = {"aac", "mp3", "opus", "flac"}
AAC_RATE = 48_000  # hertz


class Sound:
    """The first sound of a file, packet by packet. fault: why it ends before its end, where it
    does."""

    def __init__(self, source: str, output: OutputContainer) -> None:
        # A playlist under the name of a video must not make FFmpeg ask other computers.
        self._input = av.open(source, options={"protocol_whitelist": "file"})
        self._output, self.fault = output, ""
        self._packets = iter(self._packets_for(output))
        self._next = self._read()

    def copy(self, until: float | None = None) -> None:
        """Copy what begins before so many seconds of the video, or the rest."""
        while self._next and (until is None or _begins(self._next) < until):
            self._output.mux(self._next)
            self._next = self._read()

    def close(self) -> None:
        """Close the file that the sound comes from."""
        self._input.close()

    def _read(self) -> Packet | None:
        try:
            return next(self._packets, None)
        except av.FFmpegError as error:
            self.fault = (error.strerror or "unknown error").lower()
            return None

    def _packets_for(self, output: OutputContainer) -> Iterator[Packet]:
        """The packets of the output's sound; its stream is made at once, as the output's header is
        written with the first frame."""
        if not self._input.streams.audio:
            return iter(())
        stream = self._input.streams.audio[0]
        if stream.codec_context is None:
            self.fault = "no decoder"
            return iter(())
        if stream.codec_context.codec.canonical_name in COPIED:
            copy = output.add_stream_from_template(stream)
            return _copied(self._input, stream, copy)
        layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        encoded = output.add_stream("aac", rate=AAC_RATE, layout=layout)
        return _encoded(self._input, stream, encoded)


def _copied(source: InputContainer, stream: AudioStream, copy: AudioStream) -> Iterator[Packet]:
    for packet in _sound_packets(source, stream):
        packet.stream = copy
        yield packet


def _encoded(source: InputContainer, stream: AudioStream, encoded: AudioStream) -> Iterator[Packet]:
    for packet in _sound_packets(source, stream):
        for frame in packet.decode():
            assert isinstance(frame, AudioFrame)
            yield from encoded.encode(frame)
    yield from encoded.encode()


def _sound_packets(source: InputContainer, stream: AudioStream) -> Iterator[Packet]:
    """The packets of a stream, in time from the first frame of the video they belong to."""
    start = _start(source)
    for packet in source.demux(stream):
        if packet.dts is None:  # the end
            return
        shift = round(start / packet.time_base)
        packet.pts = (packet.dts if packet.pts is None else packet.pts) - shift
        packet.dts -= shift
        yield packet


def _start(source: InputContainer) -> Fraction:
    """When the first frame of a file's video is shown, seconds."""
    video = source.streams.video[0] if source.streams.video else None
    if video is None or video.start_time is None or video.time_base is None:
        return Fraction(0)
    return Fraction(video.start_time) * video.time_base


def _begins(packet: Packet) -> float:
    return 0.0 if packet.dts is None else float(packet.dts * packet.time_base)
