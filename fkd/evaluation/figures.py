"""Figures of reports, with matplotlib; nothing else imports it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Image, Points
from fkd.io.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUE_COLOUR, PREDICTED_COLOUR = "lime", "magenta"


def gallery(
    pictures: Sequence[Image],
    true: Sequence[Points] | None = None,
    predicted: Sequence[Points] | None = None,
    titles: Sequence[str] | None = None,
    columns: int = 8,
) -> "Figure":
    """Grey pictures in a grid, true points green, predicted ones magenta, in their pixels."""
    rows = max(1, -(-len(pictures) // columns))
    figure, axes = _grid(rows, columns)
    for i, axis in enumerate(axes):
        if i >= len(pictures):
            continue
        axis.imshow(pictures[i], cmap="gray", vmin=0, vmax=255)
        for points, colour in ((true, TRUE_COLOUR), (predicted, PREDICTED_COLOUR)):
            if points is not None:
                axis.scatter(points[i][:, 0], points[i][:, 1], s=1.2, c=colour, linewidths=0)
        height, width = pictures[i].shape  # points outside would shrink the picture in its cell
        axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        if titles is not None:
            axis.set_title(titles[i], fontsize=6, pad=2)
    return figure


Lines = Mapping[str, tuple[Any, Any]]


def curves(lines: Lines, x: str, y: str, title: str = "") -> "Figure":
    """Labelled lines of (x values, y values) on one plot."""
    figure = _figure(7.0, 4.2)
    axis = figure.subplots()
    _plot(axis, lines)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.set_title(title, fontsize=10)
    axis.legend(fontsize=7)
    figure.tight_layout()
    return figure


def curve_panels(
    panels: Mapping[str, Lines], y: str, limit: float, title: str, columns: int = 3
) -> "Figure":
    """A small plot of labelled lines for each x axis that is named, y from 0 to `limit`."""
    rows = -(-len(panels) // columns)
    figure = _figure(3.0 * columns, 2.3 * rows + 0.4)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axis in axes.ravel()[len(panels) :]:
        axis.axis("off")
    for axis, (x, lines) in zip(axes.ravel(), panels.items(), strict=False):
        _plot(axis, lines, marker=".")
        axis.set_xlabel(x, fontsize=8)
        axis.tick_params(labelsize=7)
        axis.set_ylim(0, limit)
    for row in axes:
        row[0].set_ylabel(y, fontsize=8)
    axes[0, 0].legend(fontsize=7)
    figure.suptitle(title, fontsize=9)
    figure.tight_layout()
    return figure


def _plot(axis: "Axes", lines: Lines, marker: str = "") -> None:
    for label, (xs, ys) in lines.items():
        axis.plot(xs, ys, label=label, linewidth=1.4, marker=marker)
    axis.grid(alpha=0.3)


def arrows(
    panels: Mapping[str, tuple[Points, Points]], magnify: float, columns: int = 3
) -> "Figure":
    """For each panel true points (68, 2), y down, and arrows to where the network has them,
    `magnify` times as long as they are."""
    rows = -(-len(panels) // columns)
    figure = _figure(4.0 * columns, 4.4 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, (title, (true, predicted)) in zip(axes, panels.items(), strict=False):
        x, y = true.T
        dx, dy = magnify * (predicted - true).T
        axis.scatter(x, y, s=6, c="tab:green")
        axis.quiver(
            x, y, dx, dy, angles="xy", scale_units="xy", scale=1, width=0.006, color="magenta"
        )
        axis.set_title(title, fontsize=9)
        axis.set_aspect("equal")
        axis.invert_yaxis()
    figure.tight_layout()
    return figure


def bars(panels: dict[str, list[tuple[str, float, float]]], x: str) -> "Figure":
    """Horizontal bars: a panel for each kind, in it a bar for each name with its value and the
    error of that."""
    columns = 4
    rows = -(-len(panels) // columns)
    figure = _figure(3.2 * columns, 1.8 * rows)
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True).ravel())
    for axis, (kind, of) in zip(axes, panels.items(), strict=False):
        names, values, errors = zip(*of, strict=True)
        axis.barh(names, values, xerr=errors, color="tab:green", height=0.6)
        axis.set_title(kind, fontsize=9)
        axis.tick_params(labelsize=8)
        axis.invert_yaxis()
    for axis in axes[len(panels) :]:
        axis.axis("off")
    figure.supxlabel(x, fontsize=9)
    figure.tight_layout()
    return figure


def feature_maps(crop: Image, layers: Sequence[NDArray[np.float32]], each: int = 16) -> "Figure":
    """A crop, and below it the first maps (C, H, W) of each layer."""
    columns = each // 2
    figure, axes = _grid(1 + 2 * len(layers), columns)
    axes[0].imshow(crop, cmap="gray")
    axes[0].set_title("crop", fontsize=6, pad=2)
    for number, maps in enumerate(layers):
        for i, feature in enumerate(maps[:each]):
            axis = axes[columns * (1 + 2 * number) + i]
            axis.imshow(feature, cmap="viridis")
            axis.set_title(f"layer {number + 1}, map {i + 1}", fontsize=5, pad=2)
    return figure


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a PNG whole or not at all; the same figure gives the same bytes. Raises OSError."""
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=110, metadata={"Software": None})


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure  # not pyplot: no windows and no global state

    return Figure(figsize=(width, height))


def _grid(rows: int, columns: int) -> "tuple[Figure, list[Axes]]":
    """A figure of square cells without ticks."""
    figure = _figure(1.5 * columns, 1.6 * rows)
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axis in axes:
        axis.axis("off")
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.98, wspace=0.03, hspace=0.14)
    return figure, axes
