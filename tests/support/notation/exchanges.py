"""Pools, conversations and choreographies: who exchanges what with whom."""

from __future__ import annotations

from tests.support.notation.sheet import Sheet, element


def pools() -> Sheet:
    """Pools both ways, lanes in lanes, black boxes, several of a kind, message flows with their message."""
    sheet = Sheet("collaboration")
    sheet.beside(
        '<message id="order" name="Order"/><message id="bill" name="Bill"/>'
        '<collaboration id="collaboration">'
        '<participant id="pool" name="A shop with a rather long name" processRef="p"/>'
        '<participant id="upright" name="Upright pool" processRef="q"/>'
        '<participant id="box" name="Bank"/>'
        '<participant id="boxes" name="Customers">'
        '<participantMultiplicity minimum="2" maximum="9"/></participant>'
        '<participant id="tall" name="A tall black box"/>'
        '<participant id="many" name="Suppliers" processRef="r">'
        '<participantMultiplicity maximum="5"/></participant>'
        '<messageFlow id="m1" name="orders" sourceRef="boxes" targetRef="a" messageRef="order"/>'
        '<messageFlow id="m2" sourceRef="b" targetRef="box" messageRef="bill"/>'
        '<messageFlow id="m3" name="a plain one" sourceRef="b" targetRef="boxes"/>'
        "</collaboration>"
        '<process id="q"><laneSet id="ql"><lane id="q1" name="Left"><flowNodeRef>qa</flowNodeRef></lane>'
        '<lane id="q2" name="Right"/></laneSet><task id="qa" name="Do"/></process>'
        '<process id="r"><task id="ra" name="Deliver"/></process>'
    )
    sheet.put(
        '<laneSet id="ls"><lane id="sales" name="Sales"><childLaneSet id="cls">'
        '<lane id="inner" name="Inland"><flowNodeRef>a</flowNodeRef></lane><lane id="outer" name="Abroad"/>'
        '</childLaneSet></lane><lane id="stock" name="Stock"><flowNodeRef>b</flowNodeRef></lane></laneSet>'
    )
    sheet.shape("boxes", 160, 20, 600, 60, isHorizontal="true")
    sheet.shape("pool", 160, 160, 600, 300, isHorizontal="true")
    sheet.shape("sales", 190, 160, 570, 200, isHorizontal="true")
    sheet.shape("inner", 220, 160, 540, 100, isHorizontal="true")
    sheet.shape("outer", 220, 260, 540, 100, isHorizontal="true")
    sheet.shape("stock", 190, 360, 570, 100, isHorizontal="true")
    sheet.node("a", "task", (280, 170, 100, 80), name="Take order")
    sheet.node("b", "task", (520, 370, 100, 80), name="Send bill")
    sheet.put(element("sequenceFlow", "f", sourceRef="a", targetRef="b"))
    sheet.edge("f", (380, 210), (570, 210), (570, 370))
    sheet.shape("box", 160, 540, 600, 60, isHorizontal="true")
    sheet.shape("many", 160, 640, 600, 130, isHorizontal="true")
    sheet.shape("ra", 300, 660, 100, 80)
    sheet.shape("upright", 820, 20, 260, 580, isHorizontal="false")
    sheet.shape("q1", 820, 50, 130, 550, isHorizontal="false")
    sheet.shape("q2", 950, 50, 130, 550, isHorizontal="false")
    sheet.shape("qa", 835, 150, 100, 80)
    sheet.shape("tall", 40, 20, 60, 580, isHorizontal="false")
    sheet.edge("m1", (330, 80), (330, 170), messageVisibleKind="initiating")
    sheet.edge("m2", (570, 450), (570, 540), messageVisibleKind="non_initiating")
    sheet.edge("m3", (600, 370), (600, 80))
    return sheet


def conversations() -> Sheet:
    sheet = Sheet("collaboration")
    sheet.beside(
        '<collaboration id="collaboration"><participant id="shop" name="Shop"/>'
        '<participant id="bank" name="Bank"/>'
        '<conversation id="talk" name="Payment"/><subConversation id="sub" name="Delivery"/>'
        '<callConversation id="called" name="Returns"/>'
        + "".join(
            f'<conversationLink id="{talk}_{who}" sourceRef="{who}" targetRef="{talk}"/>'
            for talk in ("talk", "sub", "called")
            for who in ("shop", "bank")
        )
        + "</collaboration>"
    )
    sheet.shape("shop", 20, 20, 500, 60, isHorizontal="true")
    sheet.shape("bank", 20, 260, 500, 60, isHorizontal="true")
    for column, talk in enumerate(("talk", "sub", "called")):
        x = 80 + 150 * column
        sheet.shape(talk, x, 140, 50, 43)
        sheet.edge(f"{talk}_shop", (x + 25, 80), (x + 25, 140))
        sheet.edge(f"{talk}_bank", (x + 25, 260), (x + 25, 183))
    return sheet


def choreography() -> Sheet:
    """Choreography tasks, with loops, messages and several participants; called and nested ones."""
    sheet = Sheet("choreography")
    flows = (
        ("f1", "begin", "order"),
        ("f2", "order", "choice"),
        ("f3", "choice", "loop"),
        ("f4", "choice", "many"),
    )
    participants = "".join(
        f'<participant id="{id_}" name="{name}">{extra}</participant>'
        for id_, name, extra in (
            ("buyer", "Buyer", ""),
            ("seller", "Seller", ""),
            ("carrier", "Carriers", '<participantMultiplicity maximum="4"/>'),
        )
    )

    def task(id_: str, type_: str, who: tuple[str, ...], inside: str = "", **attributes: str) -> str:
        refs = "".join(f"<participantRef>{one}</participantRef>" for one in who)
        return element(type_, id_, refs + inside, initiatingParticipantRef=who[0], **attributes)

    sheet.beside(
        '<message id="request" name="Order request"/><message id="answer" name="Confirmation"/>'
        '<choreography id="choreography" name="Buying">' + participants
        + '<messageFlow id="mf1" sourceRef="buyer" targetRef="seller" messageRef="request"/>'
        '<messageFlow id="mf2" sourceRef="seller" targetRef="buyer" messageRef="answer"/>'
        '<startEvent id="begin" name="Begin"/><exclusiveGateway id="choice" name="In stock?"/>'
        + task(
            "order", "choreographyTask", ("buyer", "seller"),
            "<messageFlowRef>mf1</messageFlowRef><messageFlowRef>mf2</messageFlowRef>", name="Order goods",
        )
        + task("loop", "choreographyTask", ("seller", "buyer"), name="Negotiate", loopType="Standard")
        + task(
            "many", "choreographyTask", ("seller", "carrier"),
            name="Ask for offers", loopType="MultiInstanceParallel",
        )
        + task(
            "three", "choreographyTask", ("buyer", "seller", "carrier"),
            name="Agree", loopType="MultiInstanceSequential",
        )
        + task("called", "callChoreography", ("buyer", "seller"), name="Pay")
        + task("folded", "subChoreography", ("buyer", "seller"), name="Complain")
        + task(
            "nested", "subChoreography", ("seller", "buyer"),
            task("inside", "choreographyTask", ("seller", "buyer"), name="Deliver"), name="Deliver it all",
        )
        + '<endEvent id="end"/>'
        + "".join(element("sequenceFlow", i, sourceRef=a, targetRef=b) for i, a, b in flows)
        + "</choreography>"
    )  # fmt: skip
    sheet.shape("begin", 20, 152, 36, 36)
    sheet.shape("choice", 280, 145, 50, 50)

    def drawn(
        id_: str,
        x: float,
        y: float,
        who: tuple[str, ...],
        height: float = 100,
        width: float = 120,
        **rest: str,
    ) -> None:
        sheet.shape(id_, x, y, width, height, **rest)
        for index, one in enumerate(who):
            top = index < (len(who) + 1) // 2
            kind = f"{'top' if top else 'bottom'}_{'initiating' if not index else 'non_initiating'}"
            band_y = y + 22 * index if top else y + height - 22 * (len(who) - index)
            seen = "true" if id_ == "order" else "false"
            sheet.shape(
                one, x, band_y, width, 22, di=f"{id_}_{one}_di", choreographyActivityShape=f"{id_}_di",
                participantBandKind=kind, isMessageVisible=seen,
            )  # fmt: skip

    drawn("order", 110, 120, ("buyer", "seller"))
    drawn("loop", 400, 60, ("seller", "buyer"))
    drawn("many", 400, 200, ("seller", "carrier"), height=120)
    drawn("three", 580, 60, ("buyer", "seller", "carrier"), height=130)
    drawn("called", 740, 60, ("buyer", "seller"))
    drawn("folded", 900, 60, ("buyer", "seller"), isExpanded="false")
    drawn("nested", 580, 230, ("seller", "buyer"), height=220, width=260, isExpanded="true")
    drawn("inside", 650, 290, ("seller", "buyer"))
    sheet.shape("end", 1000, 240, 36, 36)
    sheet.edge("f1", (56, 170), (110, 170))
    sheet.edge("f2", (230, 170), (280, 170))
    sheet.edge("f3", (305, 145), (305, 110), (400, 110))
    sheet.edge("f4", (305, 195), (305, 260), (400, 260))
    return sheet
