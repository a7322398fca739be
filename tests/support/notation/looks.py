"""Names and colours as people and modelers write them."""

from __future__ import annotations

from tests.support.notation.sheet import Sheet, element


def names() -> Sheet:
    """Names that are long, wide, right to left, hostile, or broken into lines; labels with places."""
    sheet = Sheet()
    said = (
        "Check the customer's creditworthiness with the external agency and file the result",
        "Donaudampfschifffahrtsgesellschaftskapitänspatentverlängerung",
        "PaymentReceivedFromTheBankOfScotland_v2",
        "注文を受け付けて在庫を確認し、発送の準備をする",
        "التحقق من طلب العميل ثم إرسال الفاتورة",
        "בדוק את ההזמנה ושלח אישור ללקוח",
        "First line\nsecond line",
        "<script>alert(1)</script> & \u202eevil",
        "👩‍💻 Deploy 🚀 with café ñandú",
    )
    for column, name in enumerate(said):
        written = name.replace("\n", "&#10;").replace("<", "&lt;").replace("& ", "&amp; ")
        sheet.put(f'<userTask id="t{column}" name="{written}"/>')
        sheet.shape(f"t{column}", 40 + 130 * column, 20, 100, 80)
        sheet.put(f'<intermediateThrowEvent id="e{column}" name="{written}"/>')
        sheet.shape(f"e{column}", 72 + 130 * column, 130, 36, 36)
        sheet.put(f'<textAnnotation id="n{column}"><text>{written}</text></textAnnotation>')
        sheet.shape(f"n{column}", 40 + 130 * column, 300, 110, 60)
    label = '<bpmndi:BPMNLabel><dc:Bounds x="80" y="412" width="90" height="27"/></bpmndi:BPMNLabel>'
    sheet.put('<startEvent id="placed" name="Label where the file says"/>')
    sheet.shape("placed", 40, 400, 36, 36, label)
    return sheet


def colours() -> Sheet:
    """What modelers write: bpmn.io's palette in both namespaces, dark fills, lines without fill."""
    sheet = Sheet()
    palette = (
        ("blue", "#bbdefb", "#0d4372"),
        ("orange", "#ffe0b2", "#6b3c00"),
        ("green", "#c8e6c9", "#205022"),
        ("red", "#ffcdd2", "#831311"),
        ("purple", "#e1bee7", "#5b176d"),
        ("dark", "#1b3a57", "#ffffff"),
        ("middle", "#808080", "#000000"),
        ("stroke", "", "#831311"),
        ("pale", "", "#fff59d"),
        ("broken", "javascript:alert(1)", "url(#x)"),
    )
    for column, (name, fill, stroke) in enumerate(palette):
        x = 40 + 130 * column
        written = {"bioc__fill": fill, "bioc__stroke": stroke} if column % 2 else {
            "color__background-color": fill, "color__border-color": stroke,
        }  # fmt: skip
        sheet.put(element("userTask", f"t_{name}", name=f"{name} task"))
        sheet.shape(f"t_{name}", x, 20, 100, 80, **written)
        sheet.put(element("startEvent", f"e_{name}", "<timerEventDefinition/>", name=f"{name} event"))
        sheet.shape(f"e_{name}", x + 32, 130, 36, 36, **written)
        sheet.put(
            element("sequenceFlow", f"f_{name}", sourceRef=f"e_{name}", targetRef=f"t_{name}", name=name)
        )
        sheet.edge(f"f_{name}", (x + 50, 130), (x + 50, 100), **written)
        sheet.put(element("exclusiveGateway", f"g_{name}", name=f"{name} choice"))
        sheet.shape(f"g_{name}", x + 25, 220, 50, 50, isMarkerVisible="true", **written)
    return sheet
