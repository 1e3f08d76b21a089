"""The results as a picture: one panel per fit, and one for what derivatives cost."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import FuncFormatter

from wengert.demo.report import Fit
from wengert.inspect.timing import duration, times

BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#c4001a"  # told apart by the colour-blind (Okabe and Ito)
INK, PALE = "#222222", "#b5b5b5"
STYLE = {
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": PALE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlepad": 12,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}
TITLE = "wengert demo: real data, fitted with exact derivatives of plain NumPy code"
LAYOUT = [["mixture", "logistic", "cost"], ["learning", "digits", "digits"]]


def draw(fits: Sequence[Fit], path: str | os.PathLike[str]) -> None:
    """Write the picture (PNG) of the mixture, the regression and the network."""
    mixture, logistic, network = fits
    with rc_context(STYLE):
        figure = Figure(figsize=(15.5, 9.6), dpi=110, layout="constrained", facecolor="white")
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12, wspace=0.04, hspace=0.05)
        figure.suptitle(TITLE, size=15, x=0.01, ha="left")
        axes = figure.subplot_mosaic(LAYOUT)
        draw_mixture(axes["mixture"], mixture)
        draw_scores(axes["logistic"], logistic)
        draw_cost(axes["cost"], fits)
        draw_learning(axes["learning"], network)
        draw_digits(axes["digits"], network)
        FigureCanvasAgg(figure).print_png(os.fspath(path))


# ---------------------------------------------------------------- Gaussian mixture

SPECIES = {"setosa": BLUE, "versicolor": ORANGE, "virginica": GREEN}
PETAL = [2, 3]  # the two of the four measurements that are shown


def draw_mixture(ax: Axes, fit: Fit) -> None:
    """The flowers in the colours of their species, and the components at one and two standard deviations."""
    x, species, wrong = fit.shown["x"][:, PETAL], fit.shown["species"], fit.shown["wrong"]
    colours = list(SPECIES.values())
    for mean, covariance, kind in zip(fit.shown["means"], fit.shown["covariances"], fit.shown["majority"]):
        for deviations in (2, 1):
            ax.add_patch(ellipse(mean[PETAL], covariance[np.ix_(PETAL, PETAL)], deviations, colours[kind]))
    for kind, (name, colour) in enumerate(SPECIES.items()):
        points = x[species == kind]
        ax.scatter(*points.T, s=16, color=colour, edgecolor="white", linewidth=0.4, zorder=3)
        ax.annotate(name, points.mean(axis=0), (38, -36), textcoords="offset points", color=colour, weight="bold")
    ax.scatter(*x[wrong].T, s=75, facecolor="none", edgecolor=RED, linewidth=1.4, zorder=4, label="in another cluster")
    ax.legend(loc="upper left", handletextpad=0.2)
    ax.set(xlabel="petal length, cm", ylabel="petal width, cm", ylim=(-0.35, 2.9), xlim=(0.5, 7.6))
    ax.set_title(f"Gaussian mixture: {np.sum(~wrong)} of {len(wrong)} irises with their kind")


def ellipse(mean: np.ndarray, covariance: np.ndarray, deviations: float, colour: str) -> Ellipse:
    variances, directions = np.linalg.eigh(covariance)
    width, height = 2 * deviations * np.sqrt(variances)
    angle = np.degrees(np.arctan2(directions[1, 0], directions[0, 0]))
    return Ellipse(mean, width, height, angle=angle, facecolor=colour + "2b", edgecolor=colour, linewidth=1.2)


# ---------------------------------------------------------------- logistic regression


def draw_scores(ax: Axes, fit: Fit) -> None:
    """Log-odds of the tumours that were held back, one dot for each, stacked; the curve is the probability."""
    scores, benign = fit.shown["scores"], fit.shown["y"] > 0
    edges = np.linspace(-np.max(np.abs(scores)), np.max(np.abs(scores)), 38)
    for side, name, colour in ((benign, "benign", BLUE), (~benign, "malignant", ORANGE)):
        sign = 1 if name == "benign" else -1
        heights, _ = np.histogram(scores[side], edges)
        ax.bar(edges[:-1], sign * heights, np.diff(edges), align="edge", color=colour, edgecolor="white", linewidth=0.6)
        ax.annotate(name, (0.9 * edges[-1], 2 * sign), color=colour, weight="bold", ha="right", va="center")
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{abs(y):.0f}"))
    ax.set(xlabel="log-odds of being benign", ylabel="tumours of the test set")
    ax.set_title(f"Logistic regression: {fit.quality['test_accuracy']:.1%} of new tumours right")


# ---------------------------------------------------------------- cost


def draw_cost(ax: Axes, fits: Sequence[Fit]) -> None:
    """Seconds of function, gradient and central differences for each fit, on a logarithmic axis."""
    for row, fit in enumerate(reversed(fits)):
        cost = fit.cost
        ax.plot([cost.function, cost.differences], [row, row], color=PALE, linewidth=1.5, zorder=1)
        for t, colour, label in (
            (cost.function, INK, duration(cost.function)),
            (cost.gradient, GREEN, duration(cost.gradient)),
            (cost.differences, RED, duration(cost.differences)),
        ):
            ax.scatter(t, row, s=80, color=colour, zorder=2)
            ax.annotate(label, (t, row), (0, -18), textcoords="offset points", ha="center", size=9, color=colour)
        text = f"{fit.name}, {fit.parameters} parameters"
        ax.annotate(text, (cost.function, row), (-4, 14), textcoords="offset points", weight="bold", size=9.5)
    for label, colour in (("function", INK), ("gradient", GREEN), ("central differences", RED)):
        ax.scatter([], [], s=60, color=colour, label=label)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.03), ncols=3, handletextpad=0.1, columnspacing=1.2)
    ax.set(xscale="log", ylim=(-0.5, 2.85), yticks=[], xlabel="seconds")
    ax.margins(x=0.12)
    ax.spines["left"].set_visible(False)
    best = max(fit.fd_ratio for fit in fits)
    ax.set_title(f"Gradients: up to {times(best)} times faster")


# ---------------------------------------------------------------- two-layer network


def draw_learning(ax: Axes, fit: Fit) -> None:
    """Loss of each batch and mean of each epoch; share of the test images that are read wrongly."""
    losses, errors = fit.shown["losses"], 1 - fit.shown["accuracies"]
    epochs, batches = losses.shape
    ends = np.arange(1, epochs + 1)
    ax.plot(np.arange(1, losses.size + 1) / batches, losses.ravel(), color=BLUE, alpha=0.25, linewidth=0.6)
    ax.plot(ends, losses.mean(axis=1), color=BLUE, linewidth=2, label="training loss (pale: each batch)")
    ax.plot(ends, errors, color=ORANGE, linewidth=2, label="share of test images read wrongly")
    ax.legend(loc="upper right")
    ax.set(yscale="log", xlabel="epoch", xlim=(0, epochs))
    ax.set_title("Two-layer network: wg.jit of a step of Adam")


ROWS, COLUMNS, GAP = 5, 13, 3


def draw_digits(ax: Axes, fit: Fit) -> None:
    """Test images, the wrongly read ones first, with what the network reads in them."""
    truth, predicted = fit.shown["y"], fit.shown["predicted"]
    order = np.argsort(truth == predicted, kind="stable")[: ROWS * COLUMNS]
    side = 8 + GAP
    sheet = np.zeros((ROWS * side, COLUMNS * side))
    for place, i in enumerate(order):
        top, left = side * (place // COLUMNS), side * (place % COLUMNS)
        sheet[top : top + 8, left : left + 8] = fit.shown["images"][i].reshape(8, 8)
        right = truth[i] == predicted[i]
        text = f"{predicted[i]}" if right else f"{predicted[i]}, not {truth[i]}"
        ax.text(left + 3.5, top + 8.9, text, ha="center", va="center", size=9, color=GREEN if right else RED)
    ax.imshow(sheet, cmap="gray_r", interpolation="nearest", vmax=1.0)
    ax.set_axis_off()
    share, wrong = fit.quality["test_accuracy"], np.sum(truth != predicted)
    ax.set_title(f"It reads {share:.1%} of {len(truth)} new digits; the {wrong} errors come first")
