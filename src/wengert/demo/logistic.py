"""Logistic regression: benign and malignant tumours."""

from functools import partial

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from wengert.demo import data, models
from wengert.demo.measure import check_all
from wengert.demo.newton import minimise
from wengert.demo.problem import Problem, by_grad
from wengert.demo.report import Fit, line

TITLE = "Logistic regression of breast tumours: Newton's method of SciPy, with wg.jit of wg.value_and_grad and wg.hvp"


def fit() -> Fit:
    split = data.tumours()
    n, d = split.x.shape
    line("data", f"{n} tumours to learn from, {len(split.y_test)} to test; {d} features of their cell nuclei")
    loss = partial(models.logistic_loss, x=split.x, y=split.y)
    problem = Problem(loss, by_grad(loss), {"slopes": np.zeros(d), "intercept": np.zeros(())})
    error, cost = check_all(problem)

    found = problem.unravel(minimise(problem, "loss", gtol=1e-8))

    scores = models.log_odds(found, split.x_test)
    quality = {
        "loss": float(loss(found)),
        "reference_loss": float(loss(by_scikit_learn(split))),
        "test_accuracy": float(np.mean(np.sign(scores) == split.y_test)),
        "test_auc": float(roc_auc_score(split.y_test, scores)),
    }
    tell(quality)
    shown = {"scores": scores, "y": split.y_test}
    return Fit("logistic regression", n, d, problem.vector.size, error, cost, quality, shown)


def by_scikit_learn(split: data.Split) -> models.Parameters:
    solution = LogisticRegression(solver="newton-cholesky", tol=1e-9).fit(split.x, split.y)
    return {"slopes": solution.coef_[0], "intercept": solution.intercept_[0]}


def tell(quality: dict[str, float]) -> None:
    ours, theirs = quality["loss"], quality["reference_loss"]
    line("result", f"loss {ours:.8f}, scikit-learn's {theirs:.8f} (difference {ours - theirs:.0e})")
    line("", f"test accuracy {quality['test_accuracy']:.3f}, area under the ROC curve {quality['test_auc']:.4f}")
