# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workbooks for tests: by openpyxl, and by hand for what openpyxl does not write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openpyxl

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def workbook(
    *rows: Sequence[Any], title: str = "Readers", change: Callable[[Any], None] | None = None
) -> bytes:
    """A workbook with one sheet.

    :param change: is called with the sheet, to change cells or add others.
    """
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if change is not None:
        change(sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def package(
    data: str = "",
    *,
    after: str = "",
    strings: str | None = None,
    sheets: Mapping[str, str] | None = None,
    parts: Mapping[str, str | bytes] | None = None,
    prefix: str = "",
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A workbook written by hand.

    :param data: the rows of each sheet, ``after`` what follows them.
    :param strings: the shared strings.
    :param sheets: the state of each sheet by its title.
    :param parts: more parts, or others in their place.
    :param prefix: the prefix of the names in a sheet, with a colon.
    """
    titles = sheets or {"Readers": "visible"}
    numbered = list(enumerate(titles.items(), 1))
    tag = f"{prefix}worksheet"
    namespace = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    sheet = (
        f'<{tag} {namespace}="{MAIN}"><{prefix}sheetData>{data}</{prefix}sheetData>{after}</{tag}>'
    )
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" '
        f'ContentType="{_TYPES}.worksheet+xml"/>'
        for number, _sheet in numbered
    )
    shared = (
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPES}.sharedStrings+xml"/>'
    )
    contents: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f"{overrides}{shared if strings is not None else ''}</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        + "".join(
            f'<sheet name="{title}" sheetId="{number}" state="{state}" r:id="rId{number}"/>'
            for number, (title, state) in numbered
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" '
            f'Target="worksheets/sheet{number}.xml"/>'
            for number, _sheet in numbered
        )
        + "</Relationships>",
        **{f"xl/worksheets/sheet{number}.xml": sheet for number, _sheet in numbered},
        **(parts or {}),
    }
    if strings is not None:
        contents["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{strings}</sst>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


def text_cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'
