"""Files a few kilobytes large that claim, or unfold to, very much more."""

import io
import struct
import zlib
from collections.abc import Callable

from crafted_heif import EIGHT_BITS, OPACITY, TEN_BITS, claiming, grid
from PIL import Image as Pillow

# The largest picture that the limits allow.
WIDTH, HEIGHT = 8000, 5000
PNG_START = b"\x89PNG\r\n\x1a\n"
# EXIF data that tell to turn the picture right by 90 degrees.
TURNED = b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHII", 0x0112, 3, 1, 6) + bytes(4)
# Of one colour; written by Pillow.
WEBP_40_MEGAPIXELS = bytes.fromhex(
    "5249464620000000574542505650384c140000002f3fdfe114075081540820000a9a92c58888fe07"
)
WEBP_268_MEGAPIXELS = bytes.fromhex(
    "524946461a000000574542505650384c0e0000002ffebfff0f071011fd0f4444ff03"
)


def zeros(count: int) -> bytes:
    """So many zeros, deflated to a thousandth; quickly, as whole megabytes are equal blocks."""
    deflate = zlib.compressobj(9, wbits=-15)
    block = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    deflate = zlib.compressobj(9, wbits=-15)
    rest = deflate.compress(bytes(count % (1 << 20))) + deflate.flush()
    checksum = struct.pack(">HH", count % 65521, 1)
    return b"\x78\xda" + (count >> 20) * block + rest + checksum


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(
    width: int, height: int, depth: int, colour: int, channels: int, extra: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = zeros(height * (1 + width * channels * depth // 8))
    chunks = chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return PNG_START + chunks


def tiff(tags: dict[int, tuple[int, ...]], data: bytes) -> bytes:
    """A TIFF with one strip or tile; tags: shorts or longs by number, the data's place apart."""
    place = 8 + 2 + 12 * (len(tags) + 1) + 4
    where = 324 if 324 in tags else 273
    entries, rest = [], b""
    for tag, values in sorted({**tags, where: (0,)}.items()):
        kind, form = (3, "H") if tag in (258, 339) else (4, "I")
        packed = struct.pack(f"<{len(values)}{form}", *values).ljust(4, b"\x00")
        if len(packed) > 4:
            packed, rest = struct.pack("<I", place + len(rest)), rest + packed
        entries.append((tag, kind, len(values), packed))
    end = struct.pack("<I", place + len(rest))
    directory = b"".join(
        struct.pack("<HHI", tag, kind, count) + (end if tag == where else packed)
        for tag, kind, count, packed in entries
    )
    head = b"II*\x00" + struct.pack("<IH", 8, len(entries))
    return head + directory + bytes(4) + rest + data


def strip_tiff(
    width: int, height: int, bits: int, channels: int, data: bytes, kind: int = 1
) -> bytes:
    """A TIFF in one strip, deflated where the data are; kind: 1 unsigned, 2 signed, 3 float."""
    packed = len(data) != width * height * channels * bits // 8
    tags = {
        **{256: (width,), 257: (height,), 258: (bits,) * channels, 259: (8 if packed else 1,)},
        **{262: (2 if channels > 1 else 1,), 277: (channels,), 278: (height,)},
        **{279: (len(data),), 339: (kind,) * channels},
    }
    return tiff(tags | ({338: (2,)} if channels == 4 else {}), data)


def tiled_tiff(side: int) -> bytes:
    """A TIFF of 100x100 pixels in one tile of this side."""
    data = zeros(side * side)
    tags = {256: 100, 257: 100, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side, 324: 0}
    return tiff({tag: (value,) for tag, value in tags.items()} | {325: (len(data),)}, data)


def fax_tiff() -> bytes:
    """A TIFF of 20,000 rows in a fax's code, each of them damaged."""
    data = 8000 * b"\x5a\xc3\x99"
    tags = {256: 8, 257: 20_000, 258: 1, 259: 2, 262: 0, 277: 1, 278: 20_000, 279: len(data)}
    return tiff({tag: (value,) for tag, value in tags.items()}, data)


def jpeg(frame: int, width: int, height: int, scans: int = 1) -> bytes:
    """A JPEG whose header claims a size, with scans that hold nothing."""
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    header = struct.pack(">BBHBHHB", 0xFF, frame, 17, 8, height, width, 3) + components
    scan = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"
    tables = b"\xff\xdb\x00\x43\x00" + b"\x01" * 64
    return b"\xff\xd8" + tables + header + scans * scan + b"\xff\xd9"


def bmp(width: int, height: int, compression: int, data: bytes, offset: int = 1078) -> bytes:
    """An 8-bit BMP with a black palette."""
    head = struct.pack("<2sIHHI", b"BM", 1078 + len(data), 0, 0, offset)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, 0, 0, 0, 0, 0)
    return head + info + bytes(1024) + data


def gif(width: int, height: int) -> bytes:
    """One pixel on a screen of this size."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame + b";"


def cmyk_jpeg() -> bytes:
    file, picture = io.BytesIO(), Pillow.new("CMYK", (WIDTH, HEIGHT))
    exif = b"Exif\x00\x00" + TURNED
    picture.save(file, "JPEG", progressive=True, subsampling=0, exif=exif)
    return file.getvalue()


def animated_gif() -> bytes:
    file, frame = io.BytesIO(), Pillow.new("P", (WIDTH, HEIGHT))
    frame.putpalette([0, 0, 0, 255, 255, 255])
    frame.save(file, "GIF", save_all=True, append_images=[Pillow.new("L", frame.size, 255)])
    return file.getvalue()


# What is refused, with a part of the sentence that says so.
REFUSED: dict[str, tuple[bytes, str]] = {
    "a PNG chunk that runs past the end": (
        PNG_START
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))
        + b"\x7f\xff\xff\xffIDATx",
        "the PNG is truncated",
    ),
    "a PNG with a colour profile of a gigabyte": (
        png(9, 9, 8, 2, 3, chunk(b"iCCP", b"x\x00\x00" + zeros(1 << 30))),
        "not a picture that can be read",
    ),
    "a PNG with 200 texts of a megabyte": (
        png(9, 9, 8, 2, 3, 200 * chunk(b"zTXt", b"x\x00\x00" + zeros(1 << 20))),
        "not a picture that can be read",
    ),
    "a PNG of very many chunks": (
        png(9, 9, 8, 2, 3, 100_001 * chunk(b"tEXt", b"a\x00b")),
        "more than 100000 chunks",
    ),
    "a JPEG of a thousand megapixels": (jpeg(0xC0, 32000, 32000), "32000x32000 pixels"),
    "a JPEG of very many scans": (jpeg(0xC2, 8000, 5000, 100), "more than 32 scans"),
    "a JPEG with arithmetic coding": (jpeg(0xCA, 8000, 5000), "not a picture that can be read"),
    "a GIF with a large screen": (gif(65535, 65535), "more than 178956970 pixels"),
    "a WebP of 268 megapixels": (WEBP_268_MEGAPIXELS, "more than 178956970 pixels"),
    "a TIFF in a tile of a thousand megapixels": (tiled_tiff(32768), "32768x32768 pixels"),
    "a TIFF of a fax with very many damaged rows": (fax_tiff(), "is coded as a fax"),
    "a run-length BMP of megabytes": (
        bmp(8000, 5000, 1, b"\x08\x01" * 600_000),
        "a kind that may have 1 MB",
    ),
    "a BMP whose pixels lie behind its end": (
        bmp(8000, 5000, 0, b"", offset=0xFFFFFFF0),
        "not a picture that can be read",
    ),
    "a PPM in digits of megabytes": (
        b"P3 2000 1600 255\n" + b"1 " * 600_000,
        "a kind that may have 1 MB",
    ),
    "a HEIC of 36 pictures under a small one": (
        grid(EIGHT_BITS, 6, 6, 64, 64),
        "made of parts with very many more pixels",
    ),
    "a HEIC of two pictures under one": (
        grid(TEN_BITS, 1, 2, 8000, 5000),
        "made of parts with very many more pixels",
    ),
    "a HEIC that tells too small a size": (
        claiming(EIGHT_BITS, 80, 50),
        "not a picture that can be read",
    ),
    "a HEIC of 40 megapixels with opacity": (
        claiming(OPACITY.replace(b"clap", b"free"), 8000, 5000),
        "8000x5000 pixels, more than 20000000",
    ),
    "a HEIC that shows a corner of 40 megapixels": (
        claiming(OPACITY, 8000, 5000),
        "made of parts with very many more pixels",
    ),
    "a HEIC of 600 megapixels": (claiming(EIGHT_BITS, 30_000, 20_000), "30000x20000 pixels"),
    "a PPM header of megabytes": (b"P3 " + b" " * 5_000_000, "not a picture that can be read"),
}

# What is read, of 40 megapixels: the kinds that take most.
LARGE: dict[str, Callable[[], bytes]] = {
    "a 16-bit PNG with opacity, to be turned": lambda: png(
        WIDTH, HEIGHT, 16, 6, 4, chunk(b"eXIf", TURNED)
    ),
    "a WebP with opacity": lambda: WEBP_40_MEGAPIXELS,
    "a 16-bit TIFF with opacity": lambda: strip_tiff(
        WIDTH, HEIGHT, 16, 4, zeros(8 * WIDTH * HEIGHT)
    ),
    "a progressive CMYK JPEG, to be turned": cmyk_jpeg,
    "a HEIC of ten bits": lambda: TEN_BITS,
    "a HEIC of ten bits in a tile": lambda: grid(TEN_BITS, 1, 1, WIDTH, HEIGHT),
    "an animated GIF": animated_gif,
}
