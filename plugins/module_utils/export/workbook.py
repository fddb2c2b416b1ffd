# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workbook of an export: rows of users as ``.xlsx``. Pure functions.

It is written without openpyxl, so that the same users give the same bytes: with no time, no name of
a program, and nothing that depends on a version. No cell has a formula, and every text is text.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from .formats import KEYS, columns_of
from .rows import ExportedUser

TITLE = "Users"
_DATE_COLUMN = "plan_valid_to"
_TEXT, _DATE, _HEADER = 1, 2, 3  # the styles below
_WIDTHS = {"email": 36, "external_id": 24}
# The days of a workbook count from here.
_EPOCH = datetime.date(1899, 12, 30)

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

# Uncompressed and first in the file, so an export is recognized by its first bytes.
_CONTENT_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/users.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    "</Types>"
)
_PARTS = {
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    "<bookViews><workbookView/></bookViews>"
    f'<sheets><sheet name="{TITLE}" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/users.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    "</Relationships>",
    # The format 49 is that of text.
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    "<borders><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" '
    'applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>",
}
_SHEET = "xl/worksheets/users.xml"

# What XML can't hold, and a text that looks like the way in which a workbook writes it.
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def workbook_bytes(users: Sequence[ExportedUser]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        _add(archive, "[Content_Types].xml", _CONTENT_TYPES, zipfile.ZIP_STORED)
        for name, content in _PARTS.items():
            _add(archive, name, f"{_XML}{content}", zipfile.ZIP_DEFLATED)
        _add(archive, _SHEET, "".join(_sheet(users)), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def is_exported_workbook(content: bytes) -> bool:
    empty = workbook_bytes(())
    second_part = empty.index(b"PK\x03\x04", 1)
    return content.startswith(empty[:second_part])


def _add(archive: zipfile.ZipFile, name: str, content: str, compression: int) -> None:
    # The first moment that the format can hold, and the same system on every host.
    part = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    part.create_system = 3
    part.external_attr = 0o600 << 16
    part.compress_type = compression
    archive.writestr(part, content.encode())


def _sheet(users: Sequence[ExportedUser]) -> Iterator[str]:
    columns = columns_of(user.values for user in users)
    # The style of a column is for the cells that a user of the spreadsheet adds.
    widths = "".join(
        f'<col min="{number}" max="{number}" width="{_WIDTHS.get(name, 16)}" '
        f'style="{_style(name)}" customWidth="1"/>'
        for number, name in enumerate(columns, 1)
    )
    yield (
        f'{_XML}<worksheet xmlns="{_MAIN}">'
        '<sheetViews><sheetView tabSelected="1" workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        '<selection pane="bottomLeft" activeCell="A2" sqref="A2"/>'
        f"</sheetView></sheetViews><cols>{widths}</cols><sheetData>"
    )
    letters = [chr(ord("A") + index) for index in range(len(columns))]
    names = "".join(_text(f"{letter}1", name, _HEADER) for letter, name in zip(letters, columns))
    yield f'<row r="1">{names}</row>'
    for number, user in enumerate(users, 2):
        cells = "".join(
            _cell(f"{letter}{number}", name, user.values[name])
            for letter, name in zip(letters, columns)
            if user.values.get(name) is not None
        )
        yield f'<row r="{number}">{cells}</row>'
    yield "</sheetData></worksheet>"


def _style(column: str) -> int:
    return _TEXT if column in KEYS else _DATE if column == _DATE_COLUMN else 0


def _cell(reference: str, column: str, value: Any) -> str:
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, int):
        return f'<c r="{reference}"><v>{value}</v></c>'
    if column == _DATE_COLUMN:
        days = (datetime.date.fromisoformat(value) - _EPOCH).days
        return f'<c r="{reference}" s="{_DATE}"><v>{days}</v></c>'
    return _text(reference, value, _style(column))


def _text(reference: str, text: str, style: int) -> str:
    safe = escape(_ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text))
    return (
        f'<c r="{reference}" s="{style}" t="inlineStr"><is>'
        f'<t xml:space="preserve">{safe}</t></is></c>'
    )
