"""Pixels as data URI or PNG, and many pictures on one sheet."""

import base64
import io
import math
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mia_demo.system.files import replacing

JPEG_QUALITY = 85  # 0.2 ms and 3 KB for 128 pixels; PNG: five times the bytes, 25 times as long
WEBP_QUALITY = 80  # 1.5 ms and 1.3 KB
MAX_READ_PIXELS = 64_000_000
MAX_WEBP_SIDE = 16_383
SHEET_QUALITY = 75  # half the bytes of 90; at twice the size hardly to be told from it


def data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """uint8 [H, W, 3] -> JPEG: quick to make, for what is computed live."""
    return _encoded(pixels, "jpeg", JPEG_QUALITY)


def small_data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """uint8 [H, W, 3] -> WebP: half the bytes, for what every visitor is sent."""
    return _encoded(pixels, "webp", WEBP_QUALITY)


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """uint8 [H, W, 3] -> the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def read_picture(
    source: Path | io.BytesIO, kind: str, *, most: int = MAX_READ_PIXELS
) -> npt.NDArray[np.uint8]:
    """A picture file of our own, which may be damaged by now.

    Args:
        kind: the only format that is tried, such as ``PNG``.
        most: pixels; Pillow itself reads up to 179 million.

    Returns:
        uint8 [H, W, 3].

    Raises:
        OSError, ValueError: it cannot be read, or has more than ``most`` pixels.
    """
    try:
        with Image.open(source, formats=[kind]) as image:
            if image.width * image.height > most:
                raise ValueError(f"{image.width} x {image.height} pixels are too many")
            return np.array(image.convert("RGB"))
    except (Image.DecompressionBombError, SyntaxError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error  # Pillow's answers to some broken files


def write_sheet(path: Path, pictures: npt.NDArray[np.uint8]) -> None:
    """Writes pictures [rows, columns, R, R, 3] as one WebP, smaller where they are too many for it.

    ``read_picture`` reads it; a picture's side is the sheet's height by the number of rows.
    """
    rows, columns, size = pictures.shape[:3]
    most = min(MAX_WEBP_SIDE // max(rows, columns), math.isqrt(MAX_READ_PIXELS // (rows * columns)))
    if size > most:
        cells = [shrunk(cell, most) for cell in pictures.reshape(-1, size, size, 3)]
        pictures, size = np.stack(cells).reshape(rows, columns, most, most, 3), most
    sheet = pictures.transpose(0, 2, 1, 3, 4).reshape(rows * size, columns * size, 3)
    with replacing(path) as temporary:
        Image.fromarray(sheet).save(temporary, format="WEBP", quality=SHEET_QUALITY, method=6)


def shrunk(picture: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """uint8 [R, R, 3] -> [side, side, 3]."""
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS))


def _encoded(pixels: npt.NDArray[np.uint8], kind: str, quality: int) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=quality)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def sprite(pictures: npt.NDArray[np.uint8], columns: int) -> npt.NDArray[np.uint8]:
    """Pictures [N, R, R, 3] on one sheet, row by row; unused cells are black."""
    count, size = pictures.shape[:2]
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, size, size, 3), dtype=np.uint8)
    cells[:count] = pictures
    grid = cells.reshape(rows, columns, size, size, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(grid.reshape(rows * size, columns * size, 3))
