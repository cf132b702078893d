"""Decoded pictures: what kind of file it is, and 8-bit colours of any number of bits."""

import struct
import zipfile
import zlib

import numpy as np
from PIL import Image, UnidentifiedImageError

# What zipfile and Pillow raise on broken, encrypted or unusually packed pictures.
READ_ERRORS = (
    *(UnidentifiedImageError, Image.DecompressionBombError, zipfile.BadZipFile, zlib.error),
    *(EOFError, OSError, ValueError, RuntimeError, NotImplementedError),
    # Pillow's answers to some broken PNG files:
    *(SyntaxError, IndexError, struct.error),
)

# What Pillow raises on top of these on broken metadata, whose pictures are fine.
METADATA_ERRORS = (
    *READ_ERRORS, ArithmeticError, AttributeError, LookupError, TypeError,
)  # fmt: skip
ORIENTATION = 0x0112  # of EXIF
TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What cameras and phones write and this program does not read, by the end of the name.
VIDEO = "a video"
UNREADABLE_KINDS = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "a HEIC photo, as iPhones take them"),
    ".avif": "an AVIF picture",
    ".jxl": "a JPEG XL picture",
    ".svg": "an SVG drawing",
    ".psd": "a Photoshop file",
    ".gif": "a GIF picture",
    **dict.fromkeys((".tif", ".tiff"), "a TIFF picture"),
    ".bmp": "a BMP picture",
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf"), "a raw camera file"),
    **dict.fromkeys((".mov", ".mp4", ".avi", ".mkv"), VIDEO),
}
# Where a file's content says so, whatever its name: offset, bytes, kind.
SIGNATURES = (
    *((4, b"ftyp" + brand, ".heic") for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")),
    (4, b"ftypavif", ".avif"),
    (4, b"ftypqt", ".mov"),
    (4, b"ftyp", ".mp4"),
    (0, b"\xff\x0a", ".jxl"),
    (0, b"\0\0\0\x0cJXL ", ".jxl"),
    (0, b"GIF8", ".gif"),
    (0, b"II*\0", ".tif"),
    (0, b"MM\0*", ".tif"),
    (0, b"BM", ".bmp"),
    (0, b"8BPS", ".psd"),
    (0, b"<svg", ".svg"),
)


def kind_of_content(start: bytes) -> str:
    """What a file of ``UNREADABLE_KINDS`` is, by its first bytes; empty if it is none of them."""
    for offset, signature, suffix in SIGNATURES:
        if start[offset:].startswith(signature):
            return UNREADABLE_KINDS[suffix]
    return ""


def upright(picture: Image.Image) -> Image.Image:
    """The picture as the camera was held; as it is stored where its metadata are broken."""
    picture.load()  # its own errors are the caller's
    try:
        transposition = TRANSPOSITIONS.get(picture.getexif().get(ORIENTATION, 1))
    except METADATA_ERRORS:
        return picture
    return picture if transposition is None else picture.transpose(transposition)


def as_rgb(picture: Image.Image) -> Image.Image:
    """The picture with 8 bits per colour; Pillow alone cuts 16-bit grey off at 255."""
    if picture.mode == "I" or picture.mode.startswith("I;16"):  # "I" is how some PNG are opened
        levels = np.asarray(picture).astype(np.float64) / 257
        picture = Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))
    elif picture.mode == "F":
        levels = np.asarray(picture).astype(np.float64)
        scale = 255.0 if levels.size and np.nanmax(levels) <= 1 else 1.0
        picture = Image.fromarray(np.nan_to_num(levels * scale).clip(0, 255).astype(np.uint8))
    return picture.convert("RGB")
