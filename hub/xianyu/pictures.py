"""Pictures as the platform takes them: upright, small enough, and without what cameras add."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from hub.errors import Invalid
from hub.text import media

LONGEST_SIDE = 1920
MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
"""Of a picture that is unpacked as a whole: 160 MB, twice that for a moment."""
MOST_PIXELS_SCALED = 100_000_000
"""Of a photo that is made smaller while it is unpacked."""
KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
"""What phones, browsers and QQ make. Pillow reads more, some of it by starting other programs."""
JPEG_QUALITY = 85


@dataclass(frozen=True, slots=True)
class FittedPicture:
    data: bytes = field(repr=False)
    media_type: str
    suffix: str
    width: int
    height: int


def fit_picture(data: bytes) -> FittedPicture:
    """A picture that may be uploaded, without the place and time a phone writes into it.

    PNG stays PNG, everything else becomes JPEG, of an animation only the beginning is left. Takes
    a while: call it in a thread. Raises Invalid with one Chinese sentence.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=KINDS)
        if opened.width * opened.height > _most_pixels(opened):
            raise Invalid(media.PICTURE_TOO_LARGE)
        keep_png = opened.format == "PNG"
        opened.draft(None, _fitting(opened.size))
        ImageOps.exif_transpose(opened, in_place=True)
        picture = _plain(opened)
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    except Image.DecompressionBombError:
        raise Invalid(media.PICTURE_TOO_LARGE) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise Invalid(media.NO_PICTURE) from None
    if keep_png:
        packed = _packed(picture, "PNG")
        if len(packed) <= MOST_BYTES:
            return FittedPicture(packed, "image/png", ".png", picture.width, picture.height)
    flat = _on_white(picture)
    packed = _packed(flat, "JPEG")
    return FittedPicture(packed, "image/jpeg", ".jpg", flat.width, flat.height)


def _most_pixels(opened: Image.Image) -> int:
    scales = isinstance(opened, JpegImageFile) and not opened.info.get("progressive")
    return MOST_PIXELS_SCALED if scales else MOST_PIXELS


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    longest = max(LONGEST_SIDE, *size)
    width, height = (max(1, side * LONGEST_SIDE // longest) for side in size)
    return width, height


def _plain(picture: Image.Image) -> Image.Image:
    """Palettes, print colours and the like cannot be scaled well."""
    if picture.mode in ("L", "RGB", "RGBA") and "transparency" not in picture.info:
        return picture
    plain = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    plain.info.pop("icc_profile", None)  # it described the colours of before
    return plain


def _packed(picture: Image.Image, kind: str) -> bytes:
    target = io.BytesIO()
    bare = picture.copy()
    bare.info = {"icc_profile": profile} if (profile := picture.info.get("icc_profile")) else {}
    if kind == "JPEG":
        bare.save(target, kind, quality=JPEG_QUALITY, optimize=True)
    else:
        bare.save(target, kind, optimize=False)
    return target.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    """JPEG knows no transparency."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    ground = Image.new("RGB", layer.size, "white")
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground
