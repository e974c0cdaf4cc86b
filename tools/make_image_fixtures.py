#!/usr/bin/env python3
"""Writes tests/reference_data/image_io: small image files and, in expected.tsv, the pixels Pillow decodes from them.

Usage: make_image_fixtures.py [FOLDER]; needs Pillow (Debian: python3-pil) and NumPy. The pictures are formulas
(fixture_data.py and a gradient), so nobody else's work is in them.
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL
from fixture_data import checksum, picture
from PIL import Image, ImageOps

WIDTH, HEIGHT = 37, 23
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def gradient():
    """Smooth colours with some edges, uint8 [HEIGHT, WIDTH, 3]."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 6 + y * 2, 255 - x * 3 - y * 4, (x // 6 + y // 5) % 2 * 200 + 20]
    return np.stack(planes, axis=2).clip(0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values, depth, color_type, interlace=False):
    """A PNG file of integers [H, W, C]; Pillow cannot write 16-bit colour, small depths with alpha or interlacing."""
    def rows(part):
        if part.size == 0:
            return b""
        flat = part.reshape(part.shape[0], -1)
        if depth == 16:
            packed = flat.astype(">u2").view(np.uint8).reshape(part.shape[0], -1)
        else:
            bits = np.unpackbits(flat.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - depth:]
            packed = np.packbits(bits.reshape(part.shape[0], -1), axis=1)
        return b"".join(b"\0" + row.tobytes() for row in packed)

    passes = [values[y::step_y, x::step_x] for x, y, step_x, step_y in ADAM7] if interlace else [values]
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, color_type, 0, 0, int(interlace))
    data = zlib.compress(b"".join(rows(part) for part in passes))
    half = len(data) // 2
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"gAMA", struct.pack(">I", 45455)) +
            chunk(b"IDAT", data[:half]) + chunk(b"IDAT", data[half:]) + chunk(b"IEND", b""))


def exif(orientation, big_endian=False, thumbnail=b""):
    order = ">" if big_endian else "<"
    head = b"MM" if big_endian else b"II"
    entries = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + head + struct.pack(order + "HIH", 42, 8, 1) + entries + bytes(4) + thumbnail


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bmp(pixels, bits, masks, header_size=40, from_top=False):
    """A BMP file of integers [H, W], 16 to 32 bits each; `masks`: of red, green, blue and alpha, or None for none."""
    height, width = pixels.shape
    row = (width * bits + 31) // 32 * 4
    body = np.zeros((height, row), np.uint8)
    stored = pixels.astype("<u4").view(np.uint8).reshape(height, width, 4)[:, :, :bits // 8]
    body[:, :width * bits // 8] = stored.reshape(height, -1)
    fields = b"" if masks is None else struct.pack("<4I", *masks)
    if header_size == 40:
        header, behind = b"", fields[:12]
    else:
        header, behind = fields.ljust(header_size - 40, b"\0"), b""
    info = struct.pack("<IiiHHIIiiII", header_size, width, -height if from_top else height, 1, bits,
                       0 if masks is None else 3, body.size, 0, 0, 0, 0)
    start = 14 + len(info) + len(header) + len(behind)
    rows = body if from_top else body[::-1]
    return (b"BM" + struct.pack("<IHHI", start + body.size, 0, 0, start) + info + header + behind + rows.tobytes())


def masked_pixels(pixels, masks):
    """[H, W] integers of [H, W, C] bytes, the upper bits of which fill the masks."""
    result = np.zeros(pixels.shape[:2], np.uint64)
    for channel, mask in enumerate(masks):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            width = (mask >> shift).bit_length()
            result |= (pixels[:, :, channel].astype(np.uint64) >> np.uint64(8 - width)) << np.uint64(shift)
    return result


def profile(keyword, orientation):
    """The text in which ImageMagick keeps an EXIF block."""
    digits = exif(orientation).hex()
    lines = [digits[i:i + 72] for i in range(0, len(digits), 72)]
    return "\n".join(["", keyword, f"{len(digits) // 2:8}", *lines, ""]).encode()


def png_with(data, *chunks, after_pixels=False):
    """The chunks behind the header of a PNG, or before its end."""
    place = data.rindex(b"IEND") - 4 if after_pixels else 33
    return data[:place] + b"".join(chunks) + data[place:]


def with_stray(data, places, stray):
    """The bytes `stray` before every position of `places`."""
    for place in sorted(places, reverse=True):
        data = data[:place] + stray + data[place:]
    return data


def segments(data, code):
    """Where the markers FF `code` of a JPEG are (none of these codes occurs in compressed data)."""
    return [i for i in range(len(data) - 1) if data[i] == 0xFF and data[i + 1] == code]


def tiff(pixels, tile=None, planar=False, big_endian=False, extra=()):
    """A deflated TIFF of bytes [H, W, 3], in tiles of tile x tile pixels or one strip per plane."""
    order = ">" if big_endian else "<"
    height, width = pixels.shape[:2]
    planes = [pixels[:, :, c:c + 1] for c in range(3)] if planar else [pixels]
    pieces = []
    for plane in planes:
        if tile is None:
            pieces.append(zlib.compress(plane.tobytes()))
            continue
        padded = np.zeros((-(-height // tile) * tile, -(-width // tile) * tile, plane.shape[2]), np.uint8)
        padded[:height, :width] = plane
        for y in range(0, height, tile):
            pieces += [zlib.compress(padded[y:y + tile, x:x + tile].tobytes()) for x in range(0, width, tile)]
    offsets = np.cumsum([8] + [len(piece) for piece in pieces])[:-1].tolist()
    counts = [len(piece) for piece in pieces]
    entries = [(256, 3, [width]), (257, 3, [height]), (258, 3, [8, 8, 8]), (259, 3, [8]), (262, 3, [2]), (277, 3, [3]),
               (284, 3, [2 if planar else 1]), *extra]
    if tile is None:
        entries += [(273, 4, offsets), (278, 3, [height]), (279, 4, counts)]
    else:
        entries += [(322, 3, [tile]), (323, 3, [tile]), (324, 4, offsets), (325, 4, counts)]
    body = b"".join(pieces)
    body += bytes(len(body) % 2)
    directory_at = 8 + len(body)
    values_at = directory_at + 2 + 12 * len(entries) + 4
    directory, values = struct.pack(order + "H", len(entries)), b""
    for tag, kind, numbers in sorted(entries):
        stored = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        directory += struct.pack(order + "HHI", tag, kind, len(numbers))
        directory += stored.ljust(4, b"\0") if len(stored) <= 4 else struct.pack(order + "I", values_at + len(values))
        values += stored if len(stored) > 4 else b""
    return ((b"MM" if big_endian else b"II") + struct.pack(order + "HI", 42, directory_at) + body + directory +
            bytes(4) + values)


def jpeg_files(rgb):
    gray, cmyk = rgb.convert("L"), rgb.convert("CMYK")
    yield "jpeg_444.jpg", saved(rgb, "JPEG", quality=90, subsampling="4:4:4")
    yield "jpeg_422.jpg", saved(rgb, "JPEG", quality=90, subsampling="4:2:2")
    yield "jpeg_420.jpg", saved(rgb, "JPEG", quality=75, subsampling="4:2:0")
    yield "jpeg_progressive_420.jpg", saved(rgb, "JPEG", quality=80, subsampling="4:2:0", progressive=True)
    yield "jpeg_progressive_444.jpg", saved(rgb, "JPEG", quality=95, subsampling="4:4:4", progressive=True)
    yield "jpeg_gray.jpg", saved(gray, "JPEG", quality=85)
    yield "jpeg_gray_progressive.jpg", saved(gray, "JPEG", quality=85, progressive=True)
    yield "jpeg_cmyk.jpg", saved(cmyk, "JPEG", quality=85)
    thumbnail = saved(rgb.resize((8, 8)), "JPEG")
    yield "jpeg_thumbnail.jpg", saved(rgb, "JPEG", quality=85, exif=exif(6, thumbnail=thumbnail))
    for orientation in range(1, 9):
        data = exif(orientation, big_endian=orientation % 2 == 0)
        yield f"jpeg_orientation{orientation}.jpg", saved(rgb, "JPEG", quality=60, exif=data)
    # Stray bytes where no pixel is touched: before the end, between the segments of the header, before every scan.
    plain, scans = saved(rgb, "JPEG", quality=85), saved(rgb, "JPEG", quality=85, progressive=True)
    yield "jpeg_stray_before_end.jpg", with_stray(plain, [len(plain) - 2], b"\x7f" * 300)
    yield "jpeg_stray_stuffed.jpg", with_stray(plain, [len(plain) - 2], b"\xff\x00\xff\xff\x00" * 60)
    yield "jpeg_stray_in_header.jpg", with_stray(plain, segments(plain, 0xC4) + segments(plain, 0xDA), bytes(200))
    yield "jpeg_stray_between_scans.jpg", with_stray(scans, segments(scans, 0xDA)[1:], b"\x55" * 100)
    # A sequential scan whose range of coefficients is all zero: libjpeg warns, and takes it for 0 to 63.
    start = segments(plain, 0xDA)[0]
    yield "jpeg_zero_spectrum.jpg", plain[:start + 11] + bytes(3) + plain[start + 14:]


def png_files(rgb):
    pixels = np.asarray(rgb)
    alpha = picture(WIDTH, HEIGHT, 1, 0)
    wide = picture(WIDTH, HEIGHT, 8, 3).view("<u2")
    yield "png_rgb.png", saved(rgb, "PNG")
    yield "png_gray.png", saved(rgb.convert("L"), "PNG")
    yield "png_gray_alpha.png", png(np.concatenate([pixels[:, :, :1], alpha], axis=2), 8, 4)
    yield "png_rgba.png", png(np.concatenate([pixels, alpha], axis=2), 8, 6)
    for depth in [1, 2, 4]:
        yield f"png_gray_{depth}bit.png", png(pixels[:, :, :1] >> (8 - depth), depth, 0)
    yield "png_rgb_16bit.png", png(wide[:, :, :3], 16, 2)
    yield "png_rgba_16bit.png", png(wide, 16, 6)
    yield "png_gray_16bit.png", png(wide[:, :, :1], 16, 0)
    yield "png_gray_alpha_16bit.png", png(wide[:, :, :2], 16, 4)
    yield "png_interlaced.png", png(pixels, 8, 2, interlace=True)
    yield "png_interlaced_1bit.png", png(pixels[:, :, :1] >> 7, 1, 0, interlace=True)
    palette = rgb.quantize(200)
    yield "png_palette.png", saved(palette, "PNG")
    yield "png_palette_4bit.png", saved(rgb.quantize(13), "PNG")
    yield "png_palette_transparent.png", saved(palette, "PNG", transparency=bytes(range(200)))
    yield "png_orientation5.png", saved(rgb, "PNG", exif=exif(5))
    keyword, small = b"Raw profile type exif\0", saved(rgb.convert("L"), "PNG")
    text = profile("exif", 6)
    packed = chunk(b"zTXt", keyword + b"\0" + zlib.compress(text))
    yield "png_exif_in_ztxt.png", png_with(small, packed)
    yield "png_exif_in_text.png", png_with(small, chunk(b"tEXt", keyword + profile("exif", 8)))
    yield "png_exif_in_itxt.png", png_with(small, chunk(b"iTXt", keyword + b"\1\0en\0x\0" + zlib.compress(text)))
    yield "png_exif_in_plain_itxt.png", png_with(small, chunk(b"iTXt", keyword + b"\0\0\0\0" + profile("exif", 3)))
    yield "png_exif_behind_pixels.png", png_with(small, packed, after_pixels=True)
    yield "png_exif_twice.png", png_with(small, packed, chunk(b"eXIf", exif(3)[6:]))
    yield "png_exif_in_two_texts.png", png_with(small, packed, chunk(b"tEXt", keyword + profile("exif", 2)))
    yield "png_other_text.png", png_with(small, chunk(b"tEXt", b"Raw profile type exifs\0" + text))


def other_files(rgb):
    pixels = np.asarray(rgb)
    gray, palette = rgb.convert("L"), rgb.quantize(100)
    alpha = Image.fromarray(np.concatenate([pixels, picture(WIDTH, HEIGHT, 1, 0)], axis=2))
    yield "bmp_rgb.bmp", saved(rgb, "BMP")
    yield "bmp_gray.bmp", saved(gray, "BMP")
    yield "bmp_palette.bmp", saved(palette, "BMP")
    yield "bmp_1bit.bmp", saved(rgb.convert("1"), "BMP")
    yield "bmp_rgba.bmp", saved(alpha, "BMP")
    rgba = np.asarray(alpha)
    layouts = {"565": (16, 40, (0xF800, 0x7E0, 0x1F, 0)), "555": (16, 40, (0x7C00, 0x3E0, 0x1F, 0)),
               "rgba": (32, 108, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)), "xbgr": (32, 124, (0xFF000000, 0xFF0000, 0xFF00, 0)),
               "abgr": (32, 108, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
               "bgra": (32, 124, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), "bgrx": (32, 40, (0xFF0000, 0xFF00, 0xFF, 0))}
    for name, (bits, header_size, masks) in layouts.items():
        yield f"bmp_fields_{name}.bmp", bmp(masked_pixels(rgba, masks), bits, masks, header_size)
    yield "bmp_fields_from_top.bmp", bmp(masked_pixels(rgba, layouts["565"][2]), 16, layouts["565"][2], from_top=True)
    yield "bmp_fields_zero.bmp", bmp(masked_pixels(rgba, layouts["bgra"][2]), 32, (0, 0, 0, 0), 108)
    yield "bmp_16bit.bmp", bmp(masked_pixels(rgba, layouts["555"][2]), 16, None)
    yield "webp_lossy.webp", saved(rgb, "WEBP", quality=80)
    yield "webp_lossless.webp", saved(rgb, "WEBP", lossless=True)
    yield "webp_alpha.webp", saved(alpha, "WEBP", lossless=True, exact=True)
    yield "webp_lossy_alpha.webp", saved(alpha, "WEBP", quality=70)
    yield "webp_orientation8.webp", saved(rgb, "WEBP", lossless=True, exif=exif(8)[6:])
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]:
        yield f"tiff_{compression.replace('tiff_', '')}.tif", saved(rgb, "TIFF", compression=compression)
    yield "tiff_gray.tif", saved(gray, "TIFF")
    yield "tiff_rgba.tif", saved(alpha, "TIFF")
    yield "tiff_palette.tif", saved(palette, "TIFF")
    yield "tiff_1bit.tif", saved(rgb.convert("1"), "TIFF", compression="group4")
    yield "tiff_predictor.tif", saved(rgb, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    yield "tiff_tiles.tif", tiff(pixels, tile=16)
    yield "tiff_tiles_big_endian.tif", tiff(pixels, tile=16, big_endian=True)
    yield "tiff_planes.tif", tiff(pixels, planar=True)
    yield "tiff_private_tags.tif", tiff(pixels, extra=[(305, 3, [1, 2, 3]), (32997, 3, [1]), (65000, 4, [7] * 9)])
    for orientation in range(2, 9):
        yield f"tiff_orientation{orientation}.tif", saved(rgb, "TIFF", tiffinfo={274: orientation})
    yield "pnm_rgb.ppm", saved(rgb, "PPM")
    yield "pnm_gray.pgm", saved(gray, "PPM")
    yield "pnm_1bit.pbm", saved(rgb.convert("1"), "PPM")
    text = "\n".join(" ".join(map(str, row.reshape(-1))) for row in pixels)
    yield "pnm_text.ppm", f"P3\n# a comment\n{WIDTH} {HEIGHT}\n255\n{text}\n".encode()
    small = pixels // 3
    yield "pnm_maxval85.ppm", f"P6 {WIDTH} {HEIGHT} 85\n".encode() + small.tobytes()
    wide = picture(WIDTH, HEIGHT, 6, 3).view("<u2")
    yield "pnm_rgb_16bit.ppm", f"P6 {WIDTH} {HEIGHT} 65535\n".encode() + wide.astype(">u2").tobytes()


def main():
    folder = Path(__file__).parent.parent / "tests/reference_data/image_io"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else folder
    rgb = Image.fromarray(gradient())
    lines = [f"# Pillow {PIL.__version__}: exif_transpose, convert('RGB'); written by tools/make_image_fixtures.py",
             "# file\twidth\theight\tchecksum of the RGB pixels"]
    for make in [jpeg_files, png_files, other_files]:
        for name, data in make(rgb):
            (folder / name).write_bytes(data)
            image = Image.open(io.BytesIO(data))
            if image.format != "TIFF":  # loading turns it upright already, and exif_transpose would do it once more
                image = ImageOps.exif_transpose(image)
            if image.mode == "I":
                # Pillow's convert clips 16-bit grey at 255, which is of no use: the upper byte, as it does for colour.
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            decoded = np.asarray(image.convert("RGB"))
            lines.append(f"{name}\t{decoded.shape[1]}\t{decoded.shape[0]}\t{checksum(decoded)}")
    (folder / "expected.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
