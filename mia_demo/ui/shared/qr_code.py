"""A QR code of a link, so that nobody in a class has to type it.

ISO/IEC 18004 as far as a link needs it: byte mode, error correction level L, versions 1 to 5, whose
data is a single Reed-Solomon block. Any of the eight masks may be used; this is always mask 0.
"""

from __future__ import annotations

from itertools import product

# By version: data bytes, error correction bytes.
BLOCKS = {1: (19, 7), 2: (34, 10), 3: (55, 15), 4: (80, 20), 5: (108, 26)}
LONGEST = BLOCKS[5][0] - 2  # bytes; mode, length and terminator take two
FIELD_POLYNOMIAL = 0x11D  # of GF(256)
FORMAT_POLYNOMIAL, FORMAT_MASK = 0x537, 0x5412
LEVEL_L_MASK_0 = 0b01000
PADDING = (0xEC, 0x11)

Modules = list[list[bool]]


def qr_code(text: str) -> Modules | None:
    """Rows of modules, True is dark, without the quiet zone; None if the text is too long."""
    data = text.encode()
    version = next((v for v, (room, _) in BLOCKS.items() if len(data) + 2 <= room), None)
    if version is None:
        return None
    room, extra = BLOCKS[version]
    bits = f"0100{len(data):08b}" + "".join(f"{byte:08b}" for byte in data) + "0000"
    words = [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]
    words += [PADDING[n % 2] for n in range(room - len(words))]
    return _drawn(version, words + _error_correction(words, extra))


def svg_path(modules: Modules) -> str:
    """The dark modules as an SVG path, a unit each."""
    return "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(modules) for x, dark in enumerate(row) if dark
    )


def _error_correction(words: list[int], count: int) -> list[int]:
    """Remainder of the division by (x - 1)(x - 2)(x - 4) ... of degree ``count`` in GF(256)."""
    divisor, root = [*[0] * (count - 1), 1], 1
    for _ in range(count):
        following = [*divisor[1:], 0]
        divisor = [_times(a, root) ^ b for a, b in zip(divisor, following, strict=True)]
        root = _times(root, 2)
    remainder = [0] * count
    for word in words:
        factor = word ^ remainder[0]
        shifted = [*remainder[1:], 0]
        remainder = [a ^ _times(b, factor) for a, b in zip(shifted, divisor, strict=True)]
    return remainder


def _times(a: int, b: int) -> int:
    product_ = 0
    for bit in range(7, -1, -1):
        product_ = (product_ << 1) ^ (product_ >> 7) * FIELD_POLYNOMIAL
        product_ ^= (b >> bit & 1) * a
    return product_


def _drawn(version: int, words: list[int]) -> Modules:
    size = 17 + 4 * version
    fixed = _patterns(version, size)
    modules = [[fixed.get((x, y), False) for x in range(size)] for y in range(size)]
    bits = iter("".join(f"{word:08b}" for word in words))
    # Pairs of columns from the right, up and down in turns, past the timing column.
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        is_upward = (right + 1) & 2 == 0
        for step, x in product(range(size), (right, right - 1)):
            y = size - 1 - step if is_upward else step
            if (x, y) not in fixed:
                modules[y][x] = (next(bits, "0") == "1") ^ ((x + y) % 2 == 0)
    return modules


def _patterns(version: int, size: int) -> dict[tuple[int, int], bool]:
    """What does not depend on the data, by (x, y)."""
    fixed = {}
    for n in range(size):
        fixed[n, 6] = fixed[6, n] = n % 2 == 0
    for centre_x, centre_y in ((3, 3), (size - 4, 3), (3, size - 4)):
        for dx, dy in product(range(-4, 5), repeat=2):
            x, y = centre_x + dx, centre_y + dy
            if 0 <= x < size and 0 <= y < size:
                fixed[x, y] = max(abs(dx), abs(dy)) not in (2, 4)
    if version > 1:
        for dx, dy in product(range(-2, 3), repeat=2):
            fixed[size - 7 + dx, size - 7 + dy] = max(abs(dx), abs(dy)) != 1
    remainder = LEVEL_L_MASK_0
    for _ in range(10):
        remainder = (remainder << 1) ^ (remainder >> 9) * FORMAT_POLYNOMIAL
    word = (LEVEL_L_MASK_0 << 10 | remainder) ^ FORMAT_MASK
    near = [*((8, y) for y in (0, 1, 2, 3, 4, 5, 7, 8)), *((x, 8) for x in (7, 5, 4, 3, 2, 1, 0))]
    far = [*((size - 1 - n, 8) for n in range(8)), *((8, size - 7 + n) for n in range(7))]
    for copy in (near, far):
        for bit, place in enumerate(copy):
            fixed[place] = bool(word >> bit & 1)
    fixed[8, size - 8] = True
    return fixed
