"""Learning rates."""

import math

from deepconsensus_py.training.config import Stage


def learning_rate(stage: Stage, step: int) -> float:
    """Rate of a step: a linear rise, then the stage's schedule.

    Args:
        stage: steps and rates.
        step: from 0.
    """
    if step < stage.warm_up:
        return stage.learning_rate * (step + 1) / stage.warm_up
    # The last step has the final rate, if there is more than one.
    done = (step - stage.warm_up) / max(stage.steps - 1 - stage.warm_up, 1)
    fraction = {"cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done, "constant": 1.0}[stage.schedule]
    return stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * fraction
