"""``landscape``: simulated services that publish to real brokers."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from monitor.cli.options import Instant

if TYPE_CHECKING:
    from monitor.landscape.plan import Plan
    from monitor.landscape.wire import Emission

FILE_OUT = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command(short_help="Simulated services that publish orders to real brokers.")
@click.option(
    "--rabbitmq", metavar="URL", help="Where orders and payments publish: amqp://user:password@host/"
)
@click.option("--kafka", metavar="BOOTSTRAP", help="Where warehouse, shipping and billing publish: host:9092")
@click.option("--orders", type=click.IntRange(1), default=100, show_default=True, help="How many orders.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed tells the same story.")
@click.option(
    "--prefix",
    help="What order numbers begin with [default: day and time, so that no run repeats another's].",
)
@click.option(
    "--start",
    type=Instant(),
    help="When the first order begins, by the events' own time [default: so that the last ends now].",
)
@click.option(
    "--every",
    type=click.FloatRange(0.001),
    default=1.0,
    show_default=True,
    help="Seconds from order to order.",
)
@click.option(
    "--step",
    type=click.FloatRange(0.01),
    default=1.5,
    show_default=True,
    help="Longest seconds from event to event.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    help="Seconds of the story for each second of yours: 1 is as it happened, 60 a minute a second "
    "[default: as fast as the brokers take it].",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME=SHARE",
    help="Only these faults, with their shares (missing=0.1); 'none' for none [default: a bit of each].",
)
@click.option("--truth", type=FILE_OUT, help="Write what a monitor must find, one JSON line for each order.")
@click.option("--log", "log", type=FILE_OUT, help="Write each event sent, one CloudEvent a line.")
def landscape(
    rabbitmq: str | None,
    kafka: str | None,
    orders: int,
    seed: int,
    prefix: str | None,
    start: datetime | None,
    every: float,
    step: float,
    rate: float | None,
    faults: tuple[str, ...],
    truth: Path | None,
    log: Path | None,
) -> None:
    """Play five services of an order landscape on real brokers, misbehaving on purpose.

    They publish CloudEvents of models/order-fulfilment.bpmn to the RabbitMQ topic exchange `shop` and the
    Kafka topics `warehouse`, `shipping` and `billing`. This is a load for trials and tests; the monitor
    itself never publishes anything.

    \b
    Examples:
      choreoscope landscape --rabbitmq amqp://guest:guest@localhost/ --kafka localhost:9092
      choreoscope landscape --rabbitmq URL --kafka HOST:9092 --orders 1000 --truth truth.jsonl
      choreoscope landscape --kafka HOST:9092 --rate 1 --fault missing=0.1 --fault slow=0.2
    """
    if rabbitmq is None and kafka is None:
        raise click.UsageError("Say where to publish: --rabbitmq URL, --kafka BOOTSTRAP, or both.")
    from monitor.landscape.plan import Pace, plan
    from monitor.landscape.story import DEFAULT_FAULTS

    pace = Pace(timedelta(seconds=every), timedelta(seconds=step))
    shares = _shares(faults) if faults else DEFAULT_FAULTS
    begin = start or datetime.now(UTC)
    prefix = f"{begin:%d%H%M%S}-" if prefix is None else prefix
    told = plan(seed, orders, begin, pace, shares, prefix=prefix)
    if start is None and rate is None:
        told = plan(seed, orders, begin - (told.emissions[-1].at - begin), pace, shares, prefix=prefix)
    if truth is not None:
        truth.write_text("".join(json.dumps(one.to_json(told.end)) + "\n" for one in told.truths), "utf-8")
    sent = asyncio.run(_publish(told, rabbitmq, kafka, rate, log))
    click.echo(f"{sent} messages of {orders} orders sent; the truth holds from {told.end.isoformat()} on.")


async def _publish(
    told: Plan, rabbitmq: str | None, kafka: str | None, rate: float | None, log: Path | None
) -> int:
    from monitor.landscape.publish import brokers, emit

    chosen = [
        message
        for message in told.emissions
        if (rabbitmq if message.channel == "rabbit" else kafka) is not None
    ]
    with ExitStack() as files:
        lines = files.enter_context(log.open("wb")) if log else None
        async with brokers(rabbitmq, kafka) as send:
            return await emit(
                chosen, send, speed=rate, sent=(lambda message: _write(lines, message)) if lines else None
            )


def _write(lines: IO[bytes], message: Emission) -> None:
    lines.write(message.line() + b"\n")


def _shares(faults: tuple[str, ...]) -> dict[str, float]:
    from monitor.landscape.story import FAULTS

    if faults == ("none",):
        return {}
    shares: dict[str, float] = {}
    for given in faults:
        name, _, share = given.partition("=")
        if name not in FAULTS:
            raise click.BadParameter(
                f"there is no fault {name!r}; there is {', '.join(FAULTS)}", param_hint="--fault"
            )
        try:
            shares[name] = float(share or "1")
        except ValueError:
            raise click.BadParameter(f"{share!r} is not a share such as 0.1", param_hint="--fault") from None
    if sum(shares.values()) > 1:
        raise click.BadParameter("the shares come to more than 1", param_hint="--fault")
    return shares
