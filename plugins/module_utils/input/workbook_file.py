# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a workbook: its parts, its sheets, and the cells of a sheet, read by openpyxl.

openpyxl reads a sheet row by row, and then shows neither merged cells nor hidden rows nor formulas.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, BinaryIO, NamedTuple
from xml.etree.ElementTree import SubElement, TreeBuilder, XMLParser
from xml.parsers import expat

from .columns import ENCRYPTED, LARGEST_FILE, VAULT
from .rows import BadSourceError

# What a workbook can have. All of it is checked before openpyxl reads the file.
MOST_PARTS = 10_000
MOST_CELLS = 10_000_000
# In bytes: the list of parts, and the text of a cell. A cell can have 32,767 characters.
_LARGEST_DIRECTORY = 4 << 20
_LONGEST_TEXT = 1 << 19
_PART = 1 << 16

_SAVE = "save it as .xlsx (Excel workbook) in a spreadsheet program"
OTHER_KINDS = {
    ".xls": f"is a workbook in the old Excel format; {_SAVE}",
    ".xlsm": f"is a workbook with macros, which is not read; {_SAVE}, without the macros",
    ".xlsb": f"is a workbook in the binary format; {_SAVE}",
    ".xltx": f"is a template of a workbook; {_SAVE}",
    ".xltm": f"is a template of a workbook with macros; {_SAVE}, without the macros",
    ".ods": f"is an OpenDocument spreadsheet; {_SAVE}",
}
_KIND_BY_PART = {"vbaproject.bin": ".xlsm", "workbook.bin": ".xlsb", "mimetype": ".ods"}
_BROKEN = f"is no workbook, or is broken or cut short; {_SAVE}, or get the file again"
_PASSWORD = (
    "is protected by a password; remove the password in the spreadsheet program, and protect the "
    "file by its permissions instead"
)
_STRICT = f'is a workbook in the format "Strict Open XML"; {_SAVE}, not as "Strict"'
_DOCTYPE = f"contains a document type in its XML, which no spreadsheet program writes; {_SAVE}"
_TOO_LARGE = (
    f"is larger than {LARGEST_FILE >> 20} MB when it is unpacked, or has too many parts, and was "
    "not read; give a workbook that holds only the users of this store, or a CSV file"
)
_TOO_MANY_CELLS = (
    f"has more than {MOST_CELLS:,} cells or a cell of more than {_LONGEST_TEXT:,} bytes; delete "
    "the rows and columns without users, or give a CSV file"
)

# The header of OLE files: workbooks in the old format, and those with a password.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
_STRICT_WORKBOOK = "http://purl.oclc.org/ooxml/spreadsheetml/main workbook"
_ROW, _CELL, _FORMULA, _VALUE = (f"{_MAIN}{name}" for name in ("row", "c", "f", "v"))
_MERGED = f"{_MAIN}mergeCell"
_ITEM, _TEXT, _PHONETIC = (f"{_MAIN}{name}" for name in ("si", "t", "rPh"))
# Names as ElementTree has them.
_DATA, _ROW_ELEMENT, _INLINE, _INLINE_TEXT, _INLINE_VALUE = (
    f"{{{_MAIN.strip()}}}{name}" for name in ("sheetData", "row", "is", "t", "v")
)
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


class Sheet(NamedTuple):
    title: str
    visible: bool
    part: str


class Range(NamedTuple):
    reference: str
    columns: tuple[int, int]
    rows: tuple[int, int]


@dataclass
class SheetMarks:
    """What openpyxl does not show of a sheet.

    :ivar without_value: row and column of each formula whose value is not in the file.
    """

    merged: list[Range] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    without_value: set[tuple[int, int]] = field(default_factory=set)


class Workbook:
    """An open workbook.

    :raises BadSourceError: here and in every method, for a file that cannot be read.
    """

    def __init__(self, content: BinaryIO, name: str) -> None:
        self._name = name
        _check_file(content, name)
        reader_class = _openpyxl_reader(name)
        from openpyxl.styles.stylesheet import apply_stylesheet

        with self._refusing():
            with zipfile.ZipFile(content) as archive:
                _check_parts(archive, name)
            # Only these steps: others read what is not needed, and fail for files of some programs.
            reader = reader_class(content, read_only=True, data_only=True, keep_links=False)
            reader.read_manifest()
            reader.read_workbook()
            apply_stylesheet(reader.archive, reader.wb)
            self._reader = reader
            self.sheets = [
                Sheet(sheet.name, sheet.state == "visible", rel.target)
                for sheet, rel in reader.parser.find_sheets()
                if rel.Type.endswith("/worksheet") and rel.target in reader.valid_files
            ]

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Replace the errors of libraries, which say nothing of a remedy."""
        try:
            yield
        except Exception as error:
            if isinstance(error, BadSourceError) or getattr(error, "errno", None) is not None:
                raise
            raise BadSourceError(self._name, _BROKEN) from None

    def marks(self, sheet: Sheet) -> SheetMarks:
        """What openpyxl does not show of a sheet, by one pass over its XML."""
        scan = _SheetScan(sheet.title)
        with self._refusing(), self._reader.archive.open(sheet.part) as stream:
            scan.parser.ParseFile(stream)
            scan.check()
        return scan.marks

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """The number and the cells of each row, as openpyxl has them."""
        from openpyxl.worksheet._reader import WorkSheetParser
        from openpyxl.xml.constants import SHARED_STRINGS

        book, archive = self._reader.wb, self._reader.archive
        with self._refusing():
            strings: list[str] = []
            # openpyxl would remove a part of texts such as "x005F_".
            part = self._reader.package.find(SHARED_STRINGS)
            if part is not None:
                with archive.open(part.PartName[1:]) as stream:
                    strings = shared_strings(stream)
            with archive.open(sheet.part) as stream:
                parser = WorkSheetParser(
                    stream,
                    strings,
                    data_only=True,
                    epoch=book.epoch,
                    date_formats=book._date_formats,
                    timedelta_formats=book._timedelta_formats,
                )
                for row in _row_elements(stream):
                    # Most files have no text in the cells themselves.
                    if next(row.iter(_INLINE), None) is not None:
                        for cell in row:
                            _simplify_text(cell)
                    yield parser.parse_row(row)

    def number_format(self, style_id: int) -> str:
        from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

        book = self._reader.wb
        try:
            number = book._cell_styles[style_id].numFmtId
            if number < BUILTIN_FORMATS_MAX_SIZE:
                return str(BUILTIN_FORMATS.get(number, "General"))
            return str(book._number_formats[number - BUILTIN_FORMATS_MAX_SIZE])
        except IndexError:
            raise BadSourceError(self._name, _BROKEN) from None


def _row_elements(stream: Any) -> Iterator[Any]:
    """The rows in the XML of a sheet, as elements.

    The loop of openpyxl returns from the parser at the end of each element, which takes longer.
    """
    builder = TreeBuilder()
    # It gives access to the tree while the parser adds to it.
    root = builder.start("root", {})
    # A document type, which could do harm, does not get this far.
    parser = XMLParser(target=builder)  # noqa: S314
    for part in chain(iter(partial(stream.read, _PART), b""), [b""]):
        if part:
            parser.feed(part)
        else:
            parser.close()
        data = root.find(f"*/{_DATA}")
        if data is not None:
            # More cells may be added to the last row.
            complete = data[:-1] if part else data[:]
            yield from (child for child in complete if child.tag == _ROW_ELEMENT)
            del data[: len(complete)]


def _simplify_text(cell: Any) -> None:
    """Change a plain text in a cell into the form that openpyxl reads ten times as fast."""
    if cell.get("t") == "inlineStr":
        inline = cell.find(_INLINE)
        if inline is not None and len(inline) == 1 and inline[0].tag == _INLINE_TEXT:
            cell.set("t", "str")
            SubElement(cell, _INLINE_VALUE).text = inline[0].text


def _openpyxl_reader(name: str) -> Any:
    # Loaded only here: it takes long, and is needed for workbooks only.
    from ansible.module_utils.basic import missing_required_lib

    try:
        import openpyxl
        from openpyxl.reader.excel import ExcelReader
    except ImportError:
        raise BadSourceError(name, missing_required_lib("openpyxl")) from None
    if tuple(map(int, re.findall(r"[0-9]+", openpyxl.__version__)[:2])) < (3, 1):
        raise BadSourceError(name, missing_required_lib("openpyxl >= 3.1"))
    # It warns of parts that it does not read.
    warnings.filterwarnings("ignore", module="openpyxl")
    return ExcelReader


def _check_file(content: BinaryIO, name: str) -> None:
    """Refuse a file that is no zip archive, or has too many parts to list them."""
    beginning = content.read(len(VAULT))
    if beginning.startswith(_OLE):
        encrypted = _ENCRYPTED_PACKAGE in content.read(LARGEST_FILE)
        raise BadSourceError(name, _PASSWORD if encrypted else OTHER_KINDS[".xls"])
    if beginning == VAULT.encode():
        raise BadSourceError(name, ENCRYPTED)
    # The end of the central directory: APPNOTE of the zip format, section 4.3.16.
    size = content.seek(0, 2)
    content.seek(max(0, size - (1 << 16) - 22))
    tail = content.read()
    content.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise BadSourceError(name, _BROKEN)
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    if directory > _LARGEST_DIRECTORY or tail[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise BadSourceError(name, _TOO_LARGE)


def _check_parts(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse what openpyxl must not read, or cannot."""
    parts = archive.infolist()
    # Nothing more is unpacked than the sizes in the list of parts.
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_FILE:
        raise BadSourceError(name, _TOO_LARGE)
    if any(part.flag_bits & 1 for part in parts):
        raise BadSourceError(name, _PASSWORD)
    for part in parts:
        kind = _KIND_BY_PART.get(part.filename.lower().rpartition("/")[2])
        if kind is not None:
            raise BadSourceError(name, OTHER_KINDS[kind])
        with archive.open(part) as stream:
            if _root_element(stream, name) == _STRICT_WORKBOOK:
                raise BadSourceError(name, _STRICT)


def _root_element(stream: Any, name: str) -> str:
    """The name of an XML document's first element; empty for other content.

    :raises BadSourceError: for a document type: it could define entities without end.
    """
    found: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_given: Any) -> None:
        raise BadSourceError(name, _DOCTYPE)

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda element, _attributes: found.append(element)
    try:
        while not found and (part := stream.read(_PART)):
            parser.Parse(part)
    except expat.ExpatError:
        pass
    return found[0] if found else ""


def shared_strings(stream: Any) -> list[str]:
    """The texts that cells refer to by number, without those that show how others are read."""
    strings: list[str] = []
    pieces: list[str] = []
    phonetic = False
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(element: str, _attributes: Any) -> None:
        nonlocal phonetic
        if element == _ITEM:
            pieces.clear()
        elif element == _PHONETIC:
            phonetic = True
        elif element == _TEXT and not phonetic:
            parser.CharacterDataHandler = pieces.append

    def end(element: str) -> None:
        nonlocal phonetic
        if element == _TEXT:
            parser.CharacterDataHandler = None
        elif element == _PHONETIC:
            phonetic = False
        elif element == _ITEM:
            strings.append("".join(pieces))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.ParseFile(stream)
    return strings


class _SheetScan:
    def __init__(self, title: str) -> None:
        self.marks = SheetMarks()
        self._title = title
        self._row = self._cells = self._text_starts = 0
        # The last cell with a reference, and how many cells without one have followed it.
        self._reference, self._without = "", 0
        # Of the current cell; whether its value is in the file.
        self._formula, self._type, self._value = False, "", False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start

    def check(self) -> None:
        """Finish the last cell, and refuse what is beyond the bounds."""
        self._end_formula()
        if self._cells > MOST_CELLS or (
            self.parser.CurrentByteIndex - self._text_starts > _LONGEST_TEXT
        ):
            raise BadSourceError(self._title, _TOO_MANY_CELLS)

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        index = self.parser.CurrentByteIndex
        if index - self._text_starts > _LONGEST_TEXT:
            self.check()
        self._text_starts = index
        if element == _CELL:
            if self._formula:
                self._end_formula()
            self._cells += 1
            reference = attributes.get("r")
            if reference:
                self._reference, self._without = reference, 0
            else:
                self._without += 1
            self._type = attributes.get("t", "n")
        elif element == _VALUE:
            if self._formula:
                # A stored empty text is a value.
                self._value = self._type == "str"
                self.parser.CharacterDataHandler = self._text
        elif element == _FORMULA:
            self._formula, self._value = True, False
        elif element == _ROW:
            self.check()
            number = attributes.get("r")
            self._row = int(float(number)) if number else self._row + 1
            self._reference, self._without = "", 0
            if attributes.get("hidden") in ("1", "true"):
                self.marks.hidden.add(self._row)
        elif element == _MERGED:
            merged = _range(attributes.get("ref", ""))
            if merged is not None:
                self.marks.merged.append(merged)

    def _text(self, text: str) -> None:
        if text.strip():
            self._value = True
            self.parser.CharacterDataHandler = None

    def _end_formula(self) -> None:
        if self._formula and not self._value:
            found = _REFERENCE.fullmatch(self._reference)
            column = (column_number(found[1]) if found else 0) + self._without
            self.marks.without_value.add((self._row, column))
        self._formula = False
        self.parser.CharacterDataHandler = None


def _range(reference: str) -> Range | None:
    first, _colon, last = reference.partition(":")
    ends = [_REFERENCE.fullmatch(end) for end in (first, last or first)]
    columns = sorted(column_number(end[1]) for end in ends if end)
    rows = sorted(int(end[2]) for end in ends if end)
    if len(rows) < 2:
        return None
    return Range(reference.replace("$", ""), (columns[0], columns[1]), (rows[0], rows[1]))


def column_number(letters: str) -> int:
    """The number of a column: 28 for ``AB``."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """The letters of a column: ``AB`` for 28."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
