"""Parts of a workbook that Excel writes and few other programs know, as Excel writes them.

Sources: ECMA-376 part 1 for the older ones, MS-XLSX (sections 2.1 and 2.4) for those with a year
in their namespace, MS-CUSTOMUI for the ribbon, MS-QDEFF for Power Query.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from lxml import etree

from .package import (
    MAIN,
    MC,
    OFFICE,
    SPREADSHEET,
    WORKBOOK,
    X14,
    X15,
    Package,
    R,
    fragment,
    main,
    parsed,
    place,
)

__all__ = ["R"]

HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
MARGINS: Final = (
    '<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
)
WORKSHEET_TYPE: Final = f"{SPREADSHEET}.worksheet+xml"
X14_FORMATS: Final = "{78C0D931-6437-407d-A8EE-F0AAD7539E65}"
X14_VALIDATIONS: Final = "{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"
X14_SPARKLINES: Final = "{05C60535-1F16-4fd2-B633-F4F36F0B64E0}"
X15_SLICERS: Final = "{3A4CF648-6AED-40f4-86FF-DC5316D8AED3}"
X15_SLICER_CACHES: Final = "{46BE6895-7355-4a93-B00E-2C351335B9C9}"

SLICER: Final = "http://schemas.microsoft.com/office/drawing/2010/slicer"
SLE15: Final = "http://schemas.microsoft.com/office/drawing/2012/slicer"
XDR: Final = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
A: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
C: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
THREADED: Final = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
OFFICE_2017: Final = "http://schemas.microsoft.com/office/2017/10/relationships"
BAR_ID: Final = "{D0B39E7C-5D61-4C25-9A86-0E6C6D9F0A11}"
THREAD_ID: Final = "{6FE2A4E0-4B7C-4E63-9B3A-2D6A1F0C9E01}"
REPLY_ID: Final = "{6FE2A4E0-4B7C-4E63-9B3A-2D6A1F0C9E02}"
PERSON_ID: Final = "{1B9E1E0F-52C4-4E0E-8C55-7B2C0E3B4A01}"
THREAD_TEXT: Final = "Is this still how we do it?"
NOTE_TEXT: Final = "Ask before changing"


def worksheet(content: str) -> str:
    return f'{HEAD}<worksheet xmlns="{MAIN}" xmlns:r="{R}">{content}</worksheet>'


def numbered(package: Package, pattern: str) -> str:
    """Return the first free name of a pattern with a number in it."""
    return next(
        name for number in range(1, 99) if (name := pattern.format(number)) not in package.parts
    )


def add_calc_chain(package: Package) -> None:
    """List the cells with formulas, the last sheet's first, as Excel does."""
    chain: list[str] = []
    for sheet in package.xml(WORKBOOK).iter(main("sheet")):
        part = package.sheets()[sheet.get("name", "")]
        for cell in package.xml(part).iter(main("c")):
            if cell.find(main("f")) is not None:
                chain.insert(0, f'<c r="{cell.get("r")}" i="{sheet.get("sheetId")}"/>')
    if chain:
        package.add(
            "xl/calcChain.xml",
            f'{HEAD}<calcChain xmlns="{MAIN}">{"".join(chain)}</calcChain>',
            f"{SPREADSHEET}.calcChain+xml",
        )
        package.relate(WORKBOOK, "calcChain", "xl/calcChain.xml")
    calculation = package.xml(WORKBOOK).find(main("calcPr"))
    if calculation is not None:
        calculation.attrib.clear()
        calculation.set("calcId", "191029")


def set_titles(package: Package) -> None:
    """List sheets and names among the document's properties."""
    sheets = list(package.sheets())
    names = [
        one.get("name", "")
        for one in package.xml(WORKBOOK).iter(main("definedName"))
        if not one.get("name", "").startswith("_xlnm")
    ]
    variants = "".join(
        f"<vt:variant><vt:lpstr>{title}</vt:lpstr></vt:variant>"
        f"<vt:variant><vt:i4>{len(found)}</vt:i4></vt:variant>"
        for title, found in (("Worksheets", sheets), ("Named Ranges", names))
        if found
    )
    texts = "".join(
        f"<vt:lpstr>{one.replace('&', '&amp;')}</vt:lpstr>" for one in (*sheets, *names)
    )
    package.parts["docProps/app.xml"] = (
        f'{HEAD}<Properties xmlns="{OFFICE_PROPERTIES}/extended-properties" '
        f'xmlns:vt="{OFFICE_PROPERTIES}/docPropsVTypes"><Application>Microsoft Excel</Application>'
        "<DocSecurity>0</DocSecurity><ScaleCrop>false</ScaleCrop><HeadingPairs>"
        f'<vt:vector size="{4 if names else 2}" baseType="variant">{variants}</vt:vector>'
        f'</HeadingPairs><TitlesOfParts><vt:vector size="{len(sheets) + len(names)}" '
        f'baseType="lpstr">{texts}</vt:vector></TitlesOfParts><Company></Company>'
        "<LinksUpToDate>false</LinksUpToDate><SharedDoc>false</SharedDoc>"
        "<HyperlinksChanged>false</HyperlinksChanged><AppVersion>16.0300</AppVersion></Properties>"
    ).encode()


OFFICE_PROPERTIES: Final = "http://schemas.openxmlformats.org/officeDocument/2006"


def add_dxf(package: Package) -> int:
    """Add a differential format, and return its number."""
    formats = package.xml("xl/styles.xml").find(main("dxfs"))
    assert formats is not None
    formats.append(fragment('<dxf><font><b/><color rgb="FF7030A0"/></font></dxf>'))
    formats.set("count", str(len(formats)))
    return len(formats) - 1


def data_bar(sqref: str) -> str:
    """Return a data bar, which points to its extension."""
    return (
        f'<conditionalFormatting sqref="{sqref}"><cfRule type="dataBar" priority="93"><dataBar>'
        '<cfvo type="min"/><cfvo type="max"/><color rgb="FF638EC6"/></dataBar><extLst>'
        f'<ext uri="{{B025F937-C7B1-47D3-B67F-A62EFF666E3E}}"><x14:id>{BAR_ID}</x14:id></ext>'
        "</extLst></cfRule></conditionalFormatting>"
    )


def data_bar_extension(sqref: str) -> str:
    return (
        f'<x14:conditionalFormattings><x14:conditionalFormatting><x14:cfRule type="dataBar" '
        f'id="{BAR_ID}"><x14:dataBar minLength="0" maxLength="100" border="1" '
        'negativeBarBorderColorSameAsPositive="0"><x14:cfvo type="autoMin"/>'
        '<x14:cfvo type="autoMax"/><x14:borderColor rgb="FF638EC6"/>'
        '<x14:negativeFillColor rgb="FFFF0000"/><x14:negativeBorderColor rgb="FFFF0000"/>'
        f'<x14:axisColor rgb="FF000000"/></x14:dataBar></x14:cfRule><xm:sqref>{sqref}</xm:sqref>'
        "</x14:conditionalFormatting></x14:conditionalFormattings>"
    )


def validation_extension(sqref: str) -> str:
    """Return a validation that refers to another sheet, which Excel keeps in an extension."""
    return (
        '<x14:dataValidations count="1"><x14:dataValidation type="date" operator="greaterThan" '
        'allowBlank="1" showInputMessage="1" showErrorMessage="1"><x14:formula1>'
        f"<xm:f>'My board'!$B$2</xm:f></x14:formula1><xm:sqref>{sqref}</xm:sqref>"
        "</x14:dataValidation></x14:dataValidations>"
    )


def sparklines(cells: Sequence[tuple[str, str]]) -> str:
    """Return a group of sparklines, each of a source and a cell."""
    each = "".join(
        f"<x14:sparkline><xm:f>{source}</xm:f><xm:sqref>{cell}</xm:sqref></x14:sparkline>"
        for source, cell in cells
    )
    return (
        '<x14:sparklineGroups><x14:sparklineGroup type="column" displayEmptyCellsAs="gap">'
        '<x14:colorSeries rgb="FF376092"/><x14:colorNegative rgb="FFD00000"/>'
        '<x14:colorAxis rgb="FF000000"/><x14:colorMarkers rgb="FFD00000"/>'
        '<x14:colorFirst rgb="FFD00000"/><x14:colorLast rgb="FFD00000"/>'
        '<x14:colorHigh rgb="FFD00000"/><x14:colorLow rgb="FFD00000"/>'
        f"<x14:sparklines>{each}</x14:sparklines></x14:sparklineGroup></x14:sparklineGroups>"
    )


def add_comments(package: Package, sheet: str, cells: Mapping[str, str]) -> None:
    """Add comments to cells: a ``note`` of the old style, or a ``thread`` with a reply."""
    part = numbered(package, "xl/comments{}.xml")
    drawing = numbered(package, "xl/drawings/vmlDrawing{}.vml")
    authors, comments, shapes = ["Quality"], [], []
    for index, (cell, kind) in enumerate(sorted(cells.items())):
        text, author = NOTE_TEXT, 0
        if kind == "thread":
            authors.append(f"tc={THREAD_ID}")
            author = len(authors) - 1
            text = f"[Threaded comment]\n\nComment:\n    {THREAD_TEXT}\nReply:\n    It is."
        identity = f' xr:uid="{THREAD_ID}"' if kind == "thread" else ""
        comments.append(
            f'<comment ref="{cell}" authorId="{author}" shapeId="0"{identity}><text><r><rPr>'
            '<sz val="9"/><color indexed="81"/><rFont val="Tahoma"/><family val="2"/></rPr>'
            f'<t xml:space="preserve">{text}</t></r></text></comment>'
        )
        found = re.fullmatch(r"([A-Z])(\d+)", cell)
        assert found is not None
        column, row = ord(found[1]) - ord("A"), int(found[2]) - 1
        shapes.append(_vml_shape(index, column, row))
    names = "".join(f"<author>{author}</author>" for author in authors)
    package.add(
        part,
        f'{HEAD}<comments xmlns="{MAIN}" xmlns:mc="{MC}" mc:Ignorable="xr" '
        'xmlns:xr="http://schemas.microsoft.com/office/spreadsheetml/2014/revision">'
        f"<authors>{names}</authors><commentList>{''.join(comments)}</commentList></comments>",
        f"{SPREADSHEET}.comments+xml",
    )
    package.default_type("vml", f"{OFFICE}.vmlDrawing")
    package.add(drawing, _VML.format(shapes="".join(shapes)))
    related = package.relate(sheet, "vmlDrawing", drawing)
    package.relate(sheet, "comments", part)
    place(package.xml(sheet), fragment(f'<legacyDrawing r:id="{related}"/>'))
    for cell, kind in cells.items():
        if kind == "thread":
            _add_thread(package, sheet, cell)


def _add_thread(package: Package, sheet: str, cell: str) -> None:
    part = numbered(package, "xl/threadedComments/threadedComment{}.xml")
    attributes = f'ref="{cell}" dT="2026-02-01T10:00:00.00" personId="{PERSON_ID}"'
    package.add(
        part,
        f'{HEAD}<ThreadedComments xmlns="{THREADED}" xmlns:x="{MAIN}">'
        f'<threadedComment {attributes} id="{THREAD_ID}"><text>{THREAD_TEXT}</text>'
        f'</threadedComment><threadedComment {attributes} id="{REPLY_ID}" '
        f'parentId="{THREAD_ID}"><text>It is.</text></threadedComment></ThreadedComments>',
        "application/vnd.ms-excel.threadedcomments+xml",
    )
    package.relate(sheet, f"{OFFICE_2017}/threadedComment", part)
    package.add(
        "xl/persons/person.xml",
        f'{HEAD}<personList xmlns="{THREADED}" xmlns:x="{MAIN}"><person displayName="Aiko" '
        f'id="{PERSON_ID}" userId="S::aiko@example.com::1" providerId="AD"/></personList>',
        "application/vnd.ms-excel.person+xml",
    )
    package.relate(WORKBOOK, f"{OFFICE_2017}/person", "xl/persons/person.xml")


_VML: Final = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel">\r\n <o:shapelayout v:ext="edit">\r\n  '
    '<o:idmap v:ext="edit" data="1"/>\r\n </o:shapelayout><v:shapetype id="_x0000_t202" '
    'coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">\r\n  '
    '<v:stroke joinstyle="miter"/>\r\n  <v:path gradientshapeok="t" o:connecttype="rect"/>\r\n '
    "</v:shapetype>{shapes}</xml>"
)


def _vml_shape(index: int, column: int, row: int) -> str:
    anchor = f"{column + 1}, 15, {row}, 2, {column + 3}, 31, {row + 4}, 1"
    return (
        f'<v:shape id="_x0000_s{1025 + index}" type="#_x0000_t202" style=\'position:absolute;'
        "margin-left:59.25pt;margin-top:1.5pt;width:108pt;height:59.25pt;z-index:1;"
        'visibility:hidden\' fillcolor="infoBackground [80]" '
        'strokecolor="none [81]" o:insetmode="auto">\r\n  <v:fill color2="infoBackground [80]"/>'
        '\r\n  <v:shadow color="none [81]" obscured="t"/>\r\n  <v:path o:connecttype="none"/>\r\n  '
        "<v:textbox style='mso-direction-alt:auto'>\r\n   <div style='text-align:left'></div>\r\n  "
        '</v:textbox>\r\n  <x:ClientData ObjectType="Note">\r\n   <x:MoveWithCells/>\r\n   '
        f"<x:SizeWithCells/>\r\n   <x:Anchor>\r\n    {anchor}</x:Anchor>\r\n   "
        f"<x:AutoFill>False</x:AutoFill>\r\n   <x:Row>{row}</x:Row>\r\n   "
        f"<x:Column>{column}</x:Column>\r\n  </x:ClientData>\r\n </v:shape>"
    )


def add_drawing_with_slicer(package: Package, sheet: str, table_id: str, column_id: str) -> None:
    """Put a text box and a slicer of a table's column onto a sheet."""
    cache, slicer = "xl/slicerCaches/slicerCache1.xml", "xl/slicers/slicer1.xml"
    package.add(
        cache,
        f'{HEAD}<slicerCacheDefinition xmlns="{X14}" xmlns:mc="{MC}" mc:Ignorable="x" '
        f'xmlns:x="{MAIN}" name="Slicer_Status" sourceName="Status"><extLst>'
        f'<x:ext uri="{{2F2917AC-EB37-4324-AD4E-5DD8C200BD13}}" xmlns:x15="{X15}">'
        f'<x15:tableSlicerCache tableId="{table_id}" column="{column_id}"/></x:ext></extLst>'
        "</slicerCacheDefinition>",
        "application/vnd.ms-excel.slicerCache+xml",
    )
    package.add(
        slicer,
        f'{HEAD}<slicers xmlns="{X14}" xmlns:mc="{MC}" mc:Ignorable="x" xmlns:x="{MAIN}">'
        '<slicer name="Status" cache="Slicer_Status" caption="Status" rowHeight="241300"/>'
        "</slicers>",
        "application/vnd.ms-excel.slicer+xml",
    )
    microsoft = "http://schemas.microsoft.com/office/2007/relationships"
    of_cache = package.relate(WORKBOOK, f"{microsoft}/slicerCache", cache)
    of_slicer = package.relate(sheet, f"{microsoft}/slicer", slicer)
    root = package.xml(WORKBOOK)
    extensions = root.find(main("extLst"))
    if extensions is None:
        extensions = place(root, etree.Element(main("extLst")))
    extensions.append(
        fragment(
            f'<ext uri="{X15_SLICER_CACHES}"><x15:slicerCaches>'
            f'<x14:slicerCache r:id="{of_cache}"/></x15:slicerCaches></ext>'
        )
    )
    names = root.find(main("definedNames"))
    if names is not None:
        element = etree.SubElement(names, main("definedName"), {"name": "Slicer_Status"})
        element.text = "#N/A"
        names[:] = sorted(names, key=lambda one: one.get("name", "").casefold())
    sheet_root = package.xml(sheet)
    found = sheet_root.find(main("extLst"))
    if found is None:
        found = place(sheet_root, etree.Element(main("extLst")))
    found.append(
        fragment(
            f'<ext uri="{X15_SLICERS}"><x14:slicerList><x14:slicer r:id="{of_slicer}"/>'
            "</x14:slicerList></ext>"
        )
    )
    drawing = numbered(package, "xl/drawings/drawing{}.xml")
    package.add(drawing, _DRAWING_WITH_SLICER, f"{OFFICE}.drawing+xml")
    related = package.relate(sheet, "drawing", drawing)
    place(sheet_root, fragment(f'<drawing r:id="{related}"/>'))


def _anchor(first: tuple[int, int], last: tuple[int, int], content: str) -> str:
    ends = "".join(
        f"<xdr:{name}><xdr:col>{column}</xdr:col><xdr:colOff>0</xdr:colOff>"
        f"<xdr:row>{row}</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:{name}>"
        for name, (column, row) in (("from", first), ("to", last))
    )
    return f"<xdr:twoCellAnchor>{ends}{content}<xdr:clientData/></xdr:twoCellAnchor>"


_FRAME: Final = (
    '<xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm><a:graphic>{graphic}'
    "</a:graphic>"
)
_TEXT_BOX: Final = (
    '<xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="2" name="TextBox 1"/>'
    '<xdr:cNvSpPr txBox="1"/></xdr:nvSpPr><xdr:spPr><a:xfrm><a:off x="0" y="0"/>'
    '<a:ext cx="100" cy="100"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr>'
    "<xdr:txBody><a:bodyPr/><a:lstStyle/><a:p><a:r><a:t>Read me first</a:t></a:r></a:p>"
    "</xdr:txBody></xdr:sp>"
)
_DRAWING_WITH_SLICER: Final = (
    f'{HEAD}<xdr:wsDr xmlns:xdr="{XDR}" xmlns:a="{A}">'
    + _anchor((24, 1), (28, 6), _TEXT_BOX)
    + _anchor(
        (24, 8),
        (27, 20),
        f'<mc:AlternateContent xmlns:mc="{MC}" xmlns:sle15="{SLE15}"><mc:Choice Requires="sle15">'
        '<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="3" name="Status"/>'
        "<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr>"
        + _FRAME.format(
            graphic=f'<a:graphicData uri="{SLICER}"><sle:slicer xmlns:sle="{SLICER}" '
            'name="Status"/></a:graphicData>'
        )
        + '</xdr:graphicFrame></mc:Choice><mc:Fallback xmlns=""><xdr:sp macro="" textlink="">'
        '<xdr:nvSpPr><xdr:cNvPr id="0" name=""/><xdr:cNvSpPr/></xdr:nvSpPr><xdr:spPr>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr></xdr:sp></mc:Fallback>'
        "</mc:AlternateContent>",
    )
    + "</xdr:wsDr>"
)


def add_printer_settings(package: Package, sheet: str) -> None:
    """Remember a printer's own settings."""
    package.default_type("bin", f"{SPREADSHEET}.printerSettings")
    part = package.add("xl/printerSettings/printerSettings1.bin", bytes(range(256)) * 4)
    related = package.relate(sheet, "printerSettings", part)
    set_up = package.xml(sheet).find(main("pageSetup"))
    assert set_up is not None
    set_up.set(f"{{{R}}}id", related)


def add_metadata(package: Package) -> None:
    """Say what ``cm="1"`` means: the formula is a dynamic array."""
    dynamic = "http://schemas.microsoft.com/office/spreadsheetml/2017/dynamicarray"
    package.add(
        "xl/metadata.xml",
        f'{HEAD}<metadata xmlns="{MAIN}" xmlns:xda="{dynamic}"><metadataTypes count="1">'
        '<metadataType name="XLDAPR" minSupportedVersion="120000" copy="1" pasteAll="1" '
        'pasteValues="1" merge="1" splitFirst="1" rowColShift="1" clearFormats="1" '
        'clearComments="1" assign="1" coerce="1" cellMeta="1"/></metadataTypes>'
        '<futureMetadata name="XLDAPR" count="1"><bk><extLst>'
        '<ext uri="{bdbb8cdc-fa1e-496e-a857-3c3f30c029c3}"><xda:dynamicArrayProperties '
        'fDynamic="1" fCollapsed="0"/></ext></extLst></bk></futureMetadata>'
        '<cellMetadata count="1"><bk><rc t="1" v="0"/></bk></cellMetadata></metadata>',
        f"{SPREADSHEET}.sheetMetadata+xml",
    )
    package.relate(WORKBOOK, "sheetMetadata", "xl/metadata.xml")


def add_charts(package: Package, sheet: str, series: Sequence[tuple[str, str]]) -> None:
    """Add a bar chart for each pair of references to categories and values."""
    drawing = numbered(package, "xl/drawings/drawing{}.xml")
    package.add(drawing, b"", f"{OFFICE}.drawing+xml")
    frames = []
    for index, (categories, values) in enumerate(series):
        chart = numbered(package, "xl/charts/chart{}.xml")
        package.add(chart, _chart(categories, values), f"{OFFICE}.drawingml.chart+xml")
        related = package.relate(drawing, "chart", chart)
        graphic = (
            f'<a:graphicData uri="{C}"><c:chart xmlns:c="{C}" xmlns:r="{R}" r:id="{related}"/>'
            "</a:graphicData>"
        )
        frame = (
            f'<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="{index + 2}" '
            f'name="Chart {index + 1}"/><xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr>'
            f"{_FRAME.format(graphic=graphic)}</xdr:graphicFrame>"
        )
        frames.append(_anchor((4, 2 + 16 * index), (12, 16 + 16 * index), frame))
    content = "".join(frames)
    package.parts[drawing] = (
        f'{HEAD}<xdr:wsDr xmlns:xdr="{XDR}" xmlns:a="{A}">{content}</xdr:wsDr>'.encode()
    )
    related = package.relate(sheet, "drawing", drawing)
    place(package.xml(sheet), fragment(f'<drawing r:id="{related}"/>'))


def _chart(categories: str, values: str) -> str:
    return (
        f'{HEAD}<c:chartSpace xmlns:c="{C}" xmlns:a="{A}" xmlns:r="{R}"><c:chart><c:plotArea>'
        '<c:layout/><c:barChart><c:barDir val="col"/><c:grouping val="clustered"/>'
        '<c:varyColors val="0"/><c:ser><c:idx val="0"/><c:order val="0"/><c:cat><c:strRef>'
        f"<c:f>{categories}</c:f></c:strRef></c:cat><c:val><c:numRef><c:f>{values}</c:f>"
        '</c:numRef></c:val></c:ser><c:axId val="111"/><c:axId val="222"/></c:barChart><c:catAx>'
        '<c:axId val="111"/><c:scaling><c:orientation val="minMax"/></c:scaling>'
        '<c:delete val="0"/><c:axPos val="b"/><c:crossAx val="222"/></c:catAx><c:valAx>'
        '<c:axId val="222"/><c:scaling><c:orientation val="minMax"/></c:scaling>'
        '<c:delete val="0"/><c:axPos val="l"/><c:crossAx val="111"/></c:valAx></c:plotArea>'
        '<c:plotVisOnly val="1"/></c:chart></c:chartSpace>'
    )


PIVOT_ROWS: Final = (
    '<row r="3"><c r="A3" t="str"><f>"Status"</f><v>Status</v></c></row>'
    '<row r="4"><c r="A4" t="b"><v>1</v></c></row>'
)


def add_pivot(package: Package, sheet: str, titles: Sequence[str], rows: int) -> None:
    """Count our table's rows by status in a pivot table."""
    statuses = ("published", "draft", "archived")
    fields = "".join(
        f'<cacheField name="{title}" numFmtId="0">{_shared_items(title, statuses)}</cacheField>'
        for title in titles
    )
    record = "".join('<x v="0"/>' if title == "Status" else "<m/>" for title in titles)
    definition = "xl/pivotCache/pivotCacheDefinition1.xml"
    records = "xl/pivotCache/pivotCacheRecords1.xml"
    package.add(
        records,
        f'{HEAD}<pivotCacheRecords xmlns="{MAIN}" xmlns:r="{R}" count="{rows}">'
        f"{f'<r>{record}</r>' * rows}</pivotCacheRecords>",
        f"{SPREADSHEET}.pivotCacheRecords+xml",
    )
    package.add(definition, b"", f"{SPREADSHEET}.pivotCacheDefinition+xml")
    related = package.relate(definition, "pivotCacheRecords", records)
    package.parts[definition] = (
        f'{HEAD}<pivotCacheDefinition xmlns="{MAIN}" xmlns:r="{R}" r:id="{related}" '
        f'refreshedBy="Aiko" refreshedDate="46000.5" createdVersion="8" refreshedVersion="8" '
        f'minRefreshableVersion="3" recordCount="{rows}"><cacheSource type="worksheet">'
        f'<worksheetSource name="Procedures"/></cacheSource><cacheFields count="{len(titles)}">'
        f"{fields}</cacheFields></pivotCacheDefinition>"
    ).encode()
    table = "xl/pivotTables/pivotTable1.xml"
    status, identity = titles.index("Status"), titles.index("ID")
    items = "".join(f'<item x="{index}"/>' for index in range(3))
    pivot_fields = "".join(
        f'<pivotField axis="axisRow" showAll="0"><items count="4">{items}<item t="default"/>'
        "</items></pivotField>"
        if index == status
        else f"<pivotField {'dataField=' + chr(34) + '1' + chr(34) if index == identity else ''} "
        'showAll="0"/>'
        for index in range(len(titles))
    )
    package.add(
        table,
        f'{HEAD}<pivotTableDefinition xmlns="{MAIN}" name="PivotTable1" cacheId="7" '
        'applyNumberFormats="0" applyBorderFormats="0" applyFontFormats="0" '
        'applyPatternFormats="0" applyAlignmentFormats="0" applyWidthHeightFormats="1" '
        'dataCaption="Values" updatedVersion="8" minRefreshableVersion="3" createdVersion="8" '
        'useAutoFormatting="1" itemPrintTitles="1" indent="0" outline="1" outlineData="1" '
        'multipleFieldFilters="0"><location ref="A3:B7" firstHeaderRow="1" firstDataRow="1" '
        f'firstDataCol="1"/><pivotFields count="{len(titles)}">{pivot_fields}</pivotFields>'
        f'<rowFields count="1"><field x="{status}"/></rowFields><rowItems count="4"><i><x/></i>'
        '<i><x v="1"/></i><i><x v="2"/></i><i t="grand"><x/></i></rowItems><colItems count="1">'
        f'<i/></colItems><dataFields count="1"><dataField name="Count of ID" fld="{identity}" '
        'subtotal="count" baseField="0" baseItem="0"/></dataFields>'
        '<pivotTableStyleInfo name="PivotStyleLight16" showRowHeaders="1" showColHeaders="1" '
        'showRowStripes="0" showColStripes="0" showLastColumn="1"/></pivotTableDefinition>',
        f"{SPREADSHEET}.pivotTable+xml",
    )
    package.relate(table, "pivotCacheDefinition", definition)
    package.relate(sheet, "pivotTable", table)
    of_cache = package.relate(WORKBOOK, "pivotCacheDefinition", definition)
    place(
        package.xml(WORKBOOK),
        fragment(f'<pivotCaches><pivotCache cacheId="7" r:id="{of_cache}"/></pivotCaches>'),
    )


def _shared_items(title: str, statuses: Sequence[str]) -> str:
    if title != "Status":
        return '<sharedItems containsNonDate="0" containsString="0" containsBlank="1"/>'
    items = "".join(f'<s v="{status}"/>' for status in statuses)
    return f'<sharedItems count="3">{items}</sharedItems>'


def query_rows(number: Callable[[str], int]) -> str:
    """Return the rows of a query's table, its texts among the shared strings."""
    texts = (("Team", "Target"), ("Finance", "3"), ("Quality", "5"))
    return "".join(
        f'<row r="{row}">'
        + "".join(
            f'<c r="{letter}{row}" t="s"><v>{number(text)}</v></c>'
            for letter, text in zip("AB", pair, strict=True)
        )
        + "</row>"
        for row, pair in enumerate(texts, start=1)
    )


def add_query(package: Package, sheet: str) -> None:
    """Fill a table by Power Query: a connection, the query's steps, and its table."""
    package.add(
        "xl/connections.xml",
        f'{HEAD}<connections xmlns="{MAIN}"><connection id="1" keepAlive="1" '
        'name="Query - Targets" '
        'description="Connection to the query." type="5" refreshedVersion="8" background="1" '
        'saveData="1"><dbPr connection="Provider=Microsoft.Mashup.OleDb.1;Data Source=$Workbook$;'
        'Location=Targets;Extended Properties=&quot;&quot;" command="SELECT * FROM [Targets]"/>'
        "</connection></connections>",
        f"{SPREADSHEET}.connections+xml",
    )
    package.relate(WORKBOOK, "connections", "xl/connections.xml")
    mashup = base64.b64encode(b"\0\0\0\0PK\5\6" + bytes(64)).decode()
    data = f'<DataMashup xmlns="http://schemas.microsoft.com/DataMashup">{mashup}</DataMashup>'
    package.add("customXml/item1.xml", data.encode("utf-16"))
    package.add(
        "customXml/itemProps1.xml",
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\r\n<ds:datastoreItem '
        'ds:itemID="{9F5C2B3E-0A1D-4D0E-9A55-0C2D3E4F5A6B}" '
        'xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml">'
        '<ds:schemaRefs><ds:schemaRef ds:uri="http://schemas.microsoft.com/DataMashup"/>'
        "</ds:schemaRefs></ds:datastoreItem>",
        f"{OFFICE}.customXmlProperties+xml",
    )
    package.relate("customXml/item1.xml", "customXmlProps", "customXml/itemProps1.xml")
    package.relate(WORKBOOK, "customXml", "customXml/item1.xml")
    package.add(
        "xl/queryTables/queryTable1.xml",
        f'{HEAD}<queryTable xmlns="{MAIN}" name="ExternalData_1" connectionId="1" '
        'autoFormatId="16" applyNumberFormats="0" applyBorderFormats="0" applyFontFormats="0" '
        'applyPatternFormats="0" applyAlignmentFormats="0" applyWidthHeightFormats="0">'
        '<queryTableRefresh nextId="3"><queryTableFields count="2"><queryTableField id="1" '
        'name="Team" tableColumnId="1"/><queryTableField id="2" name="Target" tableColumnId="2"/>'
        "</queryTableFields></queryTableRefresh></queryTable>",
        f"{SPREADSHEET}.queryTable+xml",
    )
    table = numbered(package, "xl/tables/table{}.xml")
    ids = [int(package.xml(part).get("id", "0")) for _, part in package.tables().values()]
    package.add(
        table,
        f'{HEAD}<table xmlns="{MAIN}" id="{max(ids) + 1}" name="Targets" displayName="Targets" '
        'ref="A1:B3" tableType="queryTable" totalsRowShown="0"><autoFilter ref="A1:B3"/>'
        '<tableColumns count="2"><tableColumn id="1" uniqueName="1" name="Team" '
        'queryTableFieldId="1"/><tableColumn id="2" uniqueName="2" name="Target" '
        'queryTableFieldId="2"/></tableColumns><tableStyleInfo name="TableStyleMedium7" '
        'showFirstColumn="0" showLastColumn="0" showRowStripes="1" showColumnStripes="0"/></table>',
        f"{SPREADSHEET}.table+xml",
    )
    package.relate(table, "queryTable", "xl/queryTables/queryTable1.xml")
    related = package.relate(sheet, "table", table)
    place(
        package.xml(sheet),
        fragment(f'<tableParts count="1"><tablePart r:id="{related}"/></tableParts>'),
    )


def add_ribbon(package: Package) -> None:
    """Add a tab of the ribbon for old and for newer versions of Excel."""
    for name, year, kind in (
        ("customUI.xml", "2006/01", "2006/relationships/ui/extensibility"),
        ("customUI14.xml", "2009/07", "2007/relationships/ui/extensibility"),
    ):
        part = package.add(
            f"customUI/{name}",
            f'<customUI xmlns="http://schemas.microsoft.com/office/{year}/customui"><ribbon><tabs>'
            '<tab id="ours" label="Ours"/></tabs></ribbon></customUI>',
        )
        package.relate("", f"http://schemas.microsoft.com/office/{kind}", part)


def add_property(package: Package, name: str, value: str) -> None:
    """Add a custom property of the document, after those that are there."""
    root = package.xml("docProps/custom.xml")
    space = f"{OFFICE_PROPERTIES}/custom-properties"
    numbers = [int(one.get("pid", "1")) for one in root]
    root.append(
        parsed(
            f'<property xmlns="{space}" xmlns:vt="{OFFICE_PROPERTIES}/docPropsVTypes" '
            f'fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="{max([1, *numbers]) + 1}" '
            f'name="{name}"><vt:lpwstr>{value}</vt:lpwstr></property>'.encode()
        )
    )


def vba_project() -> bytes:
    """Return a VBA project that Excel has written, from the workbooks that xlwings brings."""
    spec = find_spec("xlwings")
    assert spec is not None
    assert spec.origin is not None
    with ZipFile(Path(spec.origin).parent / "quickstart_standalone.xlsm") as archive:
        return archive.read("xl/vbaProject.bin")


def add_macros(package: Package) -> None:
    """Make the workbook one with macros."""
    package.retype(WORKBOOK, "application/vnd.ms-excel.sheet.macroEnabled.main+xml")
    package.default_type("bin", "application/vnd.ms-office.vbaProject")
    part = package.add("xl/vbaProject.bin", vba_project())
    package.relate(
        WORKBOOK, "http://schemas.microsoft.com/office/2006/relationships/vbaProject", part
    )
    properties = package.xml(WORKBOOK).find(main("workbookPr"))
    if properties is not None:
        properties.set("codeName", "ThisWorkbook")
