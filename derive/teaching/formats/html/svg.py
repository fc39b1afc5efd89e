"""A figure inside a page: its SVG made small, named apart from other figures, in the colours of the page's scheme."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from colorsys import hls_to_rgb, rgb_to_hls

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_DROPPED = frozenset((f"{SVG}metadata", f"{SVG}title", f"{SVG}desc", f"{SVG}style"))
_PLACE = re.compile(r"translate\((-?[\d.]+)[ ,]+(-?[\d.]+)\)")
_HEX, _NUMBER = re.compile(r"#[0-9a-f]{6}"), re.compile(r"-?\d+\.\d{3,}")


class Drawings:
    """The figures of one page.  They share the outlines of their letters; `colours` are those that appear in them."""

    def __init__(self) -> None:
        self.count = 0
        self.glyphs: dict[str, str] = {}
        self.colours: set[str] = set()

    def inline(self, svg: bytes) -> str:
        """An SVG that the tool drew, as an element of the page without a name: what it shows is said beside it."""
        self.count += 1
        root = ET.fromstring(svg)
        _strip(root)
        _unclip(root)
        _settle(root)
        names = {n.get("id", ""): f"d{self.count}-{k}" for k, n in enumerate(root.iter()) if n.get("id")}
        for parent in list(root.iter()):
            for child in [c for c in parent if c.tag == f"{SVG}path" and parent.tag == f"{SVG}defs"]:
                names[child.get("id", "")] = self._glyph(child)
                parent.remove(child)
        used = {name for node in root.iter() for name in _references(node)}
        for node in root.iter():
            _attributes(node, names, used)
            self.colours |= {value for value in node.attrib.values() if _HEX.fullmatch(value)}
        width, height = (float(root.get("viewBox", "0 0 1 1").split()[k]) for k in (2, 3))
        body = "".join(map(_written, root))
        return f'<svg viewBox="0 0 {_short(width)} {_short(height)}" aria-hidden="true" focusable="false">{body}</svg>'

    def _glyph(self, path: ET.Element) -> str:
        transform = f' transform="{moved}"' if (moved := path.get("transform")) else ""
        return self.glyphs.setdefault(f'<path d="{_rounded(path.get("d", ""))}"{transform}/>', f"g{len(self.glyphs)}")

    def definitions(self) -> str:
        """The outlines that figures refer to, for a place on the page that nobody sees."""
        return "".join(drawn.replace("<path", f'<path id="{name}"', 1) for drawn, name in self.glyphs.items())


def dark(colour: str) -> str:
    """A colour of a figure on white as it stands on a dark page: its lightness turned round, its hue kept.

    >>> dark("#ffffff"), dark("#000000")
    ('#15191e', '#ebebeb')
    """
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    hue, light, saturation = rgb_to_hls(red, green, blue)
    if light > 0.995:
        return PAPER
    turned = hls_to_rgb(hue, 0.09 + 0.83 * (1 - light), 0.8 * saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in turned)


PAPER = "#15191e"
"""The dark page."""


def variable(colour: str) -> str:
    """What a style sheet calls a colour of figures."""
    return f"--c{colour[1:]}"


def _strip(root: ET.Element) -> None:
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag in _DROPPED or (c.tag == f"{SVG}defs" and not len(c))]:
            parent.remove(child)


def _unclip(root: ET.Element) -> None:
    """Without paths that clip at the rim of the figure, where it ends anyway."""
    _, _, width, height = map(float, root.get("viewBox", "0 0 1 1").split())
    clips = [(parent, clip) for parent in root.iter() for clip in parent if clip.tag == f"{SVG}clipPath"]
    idle = set()
    for parent, clip in clips:
        sides = [[float(one.get(side, 0)) for side in ("x", "y", "width", "height")] for one in clip if one.tag == f"{SVG}rect"]
        if any(x <= 0 and y <= 0 and x + wide >= width - 0.01 and y + high >= height - 0.01 for x, y, wide, high in sides):
            idle.add(f"url(#{clip.get('id')})")
            parent.remove(clip)
    for node in root.iter():
        if node.get("clip-path") in idle:
            del node.attrib["clip-path"]


def _settle(root: ET.Element) -> None:
    """Letters at whole places of their tenths of a point."""
    for parent in root.iter():
        for letter in parent if "scale(0.1" in parent.get("transform", "") else ():
            place = _PLACE.fullmatch(letter.get("transform", ""))
            for side, at in zip("xy", place.groups() if place else (), strict=False):
                if round(float(at)):
                    letter.set(side, str(round(float(at))))
                letter.attrib.pop("transform", None)


def _references(node: ET.Element) -> Iterator[str]:
    for key, value in node.attrib.items():
        if key == LINK or key == "href":
            yield value.removeprefix("#")
        yield from re.findall(r"url\(#([^)]+)\)", value)


def _attributes(node: ET.Element, names: dict[str, str], used: set[str]) -> None:
    """Attributes in place of styles, which a page without styles of its elements may have; names of this page; short numbers."""
    for part in filter(None, (part.strip() for part in node.attrib.pop("style", "").split(";"))):
        key, _, value = part.partition(":")
        node.set(key.strip(), value.strip())
    if node.attrib.pop("stroke-linejoin", "miter" if "stroke" in node.attrib else "") not in ("", "miter"):
        node.set("stroke-linejoin", "round")
    if (identity := node.attrib.pop("id", None)) in used and identity is not None:
        node.set("id", names[identity])
    for key, value in list(node.attrib.items()):
        if key in (LINK, "href"):
            del node.attrib[key]
            node.set("href", "#" + names.get(value[1:], value[1:]))
        elif key == "d" or key in ("transform", "x", "y", "width", "height"):
            node.set(key, _rounded(value))
        else:
            node.set(key, re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{names[found[1]]})", value))


def _rounded(numbers: str) -> str:
    flat = _NUMBER.sub(lambda found: _short(float(found[0])), " ".join(numbers.split()))
    return flat if "(" in flat else re.sub(r" ?([A-Za-z]) ?", r"\1", flat)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _written(node: ET.Element) -> str:
    """An element as text; groups that say nothing are left out."""
    tag = node.tag.removeprefix(SVG)
    inside = "".join(map(_written, node))
    if (tag == "g" and not node.attrib) or (tag == "defs" and not inside):
        return inside
    attributes = "".join(f' {key}="{_value(value)}"' for key, value in node.attrib.items() if "}" not in key)
    return f"<{tag}{attributes}>{inside}</{tag}>" if inside else f"<{tag}{attributes}/>"


def _value(value: str) -> str:
    if _HEX.fullmatch(value):
        return f"var({variable(value)})"
    return value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
