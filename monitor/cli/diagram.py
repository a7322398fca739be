"""``diagram``: a model as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.options import FILE
from monitor.errors import InvalidInput


@click.command(short_help="Draw a BPMN model as SVG.")
@click.argument("model", type=FILE)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    show_default=True,
    help="The SVG file; '-' is standard output.",
)
@click.option(
    "--page",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Which, where a file has several diagrams.",
)
def diagram(model: Path, output: Path, page: int) -> None:
    """Draw MODEL as SVG, as its modeler laid it out; models without a layout get one.

    \b
    Examples:
      choreoscope diagram order.bpmn -o order.svg
      choreoscope diagram order.bpmn > order.svg
    """
    from monitor.bpmn.read import read_file
    from monitor.diagram.render import render

    svg = render(read_file(model), diagram=page - 1, standalone=True, interactive=False)
    if str(output) == "-":
        click.echo(svg)
        return
    try:
        output.write_text(svg, "utf-8")
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}") from error
    click.echo(f"{output} written", err=True)
