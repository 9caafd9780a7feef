"""The ribbon's XML (MS-CUSTOMUI2) from its declaration."""

from typing import Final

from lxml import etree

from klarify_xl.ribbon import Button, Control, Group, Menu, Status, Tab

NAMESPACE: Final = "http://schemas.microsoft.com/office/2009/07/customui"

ON_LOAD: Final = "KlarifyLoad"
GET_LABEL: Final = "KlarifyLabel"
GET_SCREENTIP: Final = "KlarifyScreentip"
GET_SUPERTIP: Final = "KlarifySupertip"
GET_ENABLED: Final = "KlarifyEnabled"


def on_action(button: Button) -> str:
    """Return the name of the procedure that a button calls."""
    return f"{button.id}Click"


def ribbon_xml(tab: Tab) -> bytes:
    """Return the XML of a ribbon with one tab of ours."""
    root = etree.Element(f"{{{NAMESPACE}}}customUI", nsmap={None: NAMESPACE}, onLoad=ON_LOAD)  # type: ignore[dict-item]
    tabs = _child(_child(root, "ribbon"), "tabs")
    inside = _child(tabs, "tab", id=tab.id, label=tab.label, keytip=tab.keytip)
    for group in tab.groups:
        _add_group(inside, group)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _child(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes)


def _add_group(parent: etree._Element, group: Group) -> None:
    inside = _child(parent, "group", id=group.id, getLabel=GET_LABEL)
    for one in group.controls:
        _add_control(inside, one)


def _add_control(parent: etree._Element, control: Control) -> None:
    said = {"getLabel": GET_LABEL, "getScreentip": GET_SCREENTIP, "getSupertip": GET_SUPERTIP}
    if isinstance(control, Status):
        _child(parent, "labelControl", id=control.id, **said)
        return
    # Buttons in menus have no size.
    size = {"size": "large"} if control.large else {}
    looks = {"id": control.id, **size, "imageMso": control.image, "keytip": control.keytip, **said}
    if isinstance(control, Menu):
        menu = _child(parent, "menu", **looks)
        for one in control.buttons:
            _add_control(menu, one)
    else:
        _child(parent, "button", **looks, getEnabled=GET_ENABLED, onAction=on_action(control))
