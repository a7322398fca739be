"""Stored history judged by a draft, over each database: what changes is told, and nothing is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.comparing import Change, Comparison
from monitor.flows import build
from monitor.pipeline import Pipeline
from monitor.replaying import drafted, model_in_force, replay_stored
from monitor.resources import models
from monitor.storage.sql import SqlStore
from tests.contract.test_pipeline import END, whole
from tests.support.shop import shop, start, told

SHOP = shop()
ORDER = (models() / "order-fulfilment.bpmn").read_text()


@pytest.fixture
async def pipeline(store: SqlStore) -> Pipeline:
    return await start(store, SHOP)


def saved(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


async def replayed(store: SqlStore, path: Path, text: str, key: str | None = None) -> Comparison:
    current = model_in_force(SHOP, None, None, saved(path, text))
    return await replay_stored(store, build(drafted(path, current))[1], END, key)


async def test_the_model_in_force_changes_nothing(
    store: SqlStore, pipeline: Pipeline, tmp_path: Path
) -> None:
    for number in range(4):
        await pipeline.process([*whole(f"o-{number}")[: 8 - number], *whole(f"x-{number}")[number:]])
    compared = await replayed(store, tmp_path / "draft.bpmn", ORDER)
    assert compared.keys > 7
    assert compared.differences == []


def swapped(text: str) -> str:
    """Packed before picked."""
    steps = {"Task_ItemsPicked": "Task_ParcelPacked", "Task_ParcelPacked": "Task_ItemsPicked"}
    for flow in ("Flow_Pick", "Flow_Pack", "Flow_PackingDone"):
        (line,) = [line for line in text.splitlines() if f'id="{flow}"' in line]
        text = text.replace(line, re.sub("|".join(steps), lambda found: steps[found[0]], line))
    return text


async def test_exactly_what_changes_is_told(store: SqlStore, pipeline: Pipeline, tmp_path: Path) -> None:
    await pipeline.process(whole("good"))
    picked = [one for one in whole("wrong") if b"ItemsPicked" in one.body]
    await pipeline.process([one for one in whole("wrong") if one not in picked])
    await pipeline.process([told("ItemsPicked", 45, "wrong")])
    await pipeline.process(whole("young")[:3])
    before = await store.views.totals()
    compared = await replayed(store, tmp_path / "draft.bpmn", swapped(ORDER))
    assert {one.key: one.changes for one in compared.differences} == {
        "good": (Change.NEWLY_DEVIATING,),
        "wrong": (Change.NO_LONGER_DEVIATING,),
    }
    (good,) = [one for one in compared.differences if one.key == "good"]
    assert good.before.findings == ()
    (sentence,) = good.after.findings
    assert "came too early" in sentence
    assert await store.views.totals() == before


async def test_a_new_name_is_the_same_element(store: SqlStore, pipeline: Pipeline, tmp_path: Path) -> None:
    await pipeline.process(whole("good"))
    draft = ORDER.replace('"InvoiceSent"', '"BillSent"')
    compared = await replayed(store, tmp_path / "draft.bpmn", draft)
    assert (compared.only_before, compared.only_after) == (("InvoiceSent",), ("BillSent",))
    assert not compared.differences
    assert not compared.unplaced


async def test_what_the_draft_has_no_place_for(store: SqlStore, pipeline: Pipeline, tmp_path: Path) -> None:
    await pipeline.process(whole("good"))
    draft = ORDER.replace("ItemsPicked", "ItemsFound")
    compared = await replayed(store, tmp_path / "draft.bpmn", draft)
    assert compared.unplaced == {"ItemsPicked": 1}
    (one,) = compared.differences
    assert one.after.findings == ("ItemsFound is missing: ParcelPacked came without it.",)


async def test_one_key(store: SqlStore, pipeline: Pipeline, tmp_path: Path) -> None:
    for order in ("o-1", "o-2"):
        await pipeline.process(whole(order))
    compared = await replayed(store, tmp_path / "draft.bpmn", ORDER, "o-2")
    assert compared.keys == 1


async def test_history_is_read_in_pieces(store: SqlStore, pipeline: Pipeline) -> None:
    for number in range(5):
        await pipeline.process(whole(f"o-{number}"))
    seen, after = [], 0
    while part := await store.history("order", after, 2):
        assert len({trace.chain for trace in part}) <= 2
        seen += [trace.key for trace in part]
        after = part[-1].chain
    assert sorted(seen) == [f"o-{number}" for number in range(5)]
