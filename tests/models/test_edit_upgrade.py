"""Model files of encoding version 3: the same scores as ever, and the new class by the hidden Markov model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from edit_toys import random_evidence, random_network, scores_of
from safetensors.torch import save_file

from deepconsensus_py.edits.classes import EDITED, SEGMENT
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.tokens import KINETICS, SCORE_STEP, homopolymer_tokens
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models import edit_upgrade
from deepconsensus_py.models.header import FORMAT, HEADER
from deepconsensus_py.models.weights import read_model

OLD = {**SPEC, "version": 3}


def narrowed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of version 3 that are left of present ones."""
    new = {"embed_pass.weight": edit_upgrade._new_of_passes(), "embed_run.weight": edit_upgrade._new_of_homopolymers()}
    kept = {name: state[name][:, ~columns] for name, columns in new.items()}
    for name in ("out.weight", "out.bias", "slope", "offset"):
        kept[name] = state[name][:-1]
    return {name: tensor.detach().contiguous() for name, tensor in {**state, **kept}.items()}


def old_file(path: Path, spec: dict) -> tuple[Path, torch.nn.Module]:
    """A file of version 3, and the present network that it was cut from."""
    network = random_network()
    header = {"format": FORMAT, "family": "edits", "name": "old", "config": network.config.to_dict(), "spec": spec}
    header |= {"calibration": "skip", "card": ""}
    save_file(narrowed(network.state_dict()), path, {HEADER: json.dumps(header)})
    return path, network


def test_a_file_of_version_3_scores_as_it_did(tmp_path: Path) -> None:
    path, network = old_file(tmp_path / "old.safetensors", OLD)
    model = read_model(path)
    assert model.spec == SPEC
    evidence = random_evidence(4)
    evidence.ratios[..., SEGMENT - 1] = 0
    evidence.pooled[:, SEGMENT - 1] = 160
    tokens = homopolymer_tokens(evidence, np.arange(60))
    without = {**tokens, "passes": tokens["passes"].copy()}
    without["passes"][..., KINETICS] = 0
    with torch.no_grad():
        for name, columns in (
            ("embed_pass", edit_upgrade._new_of_passes()),
            ("embed_run", edit_upgrade._new_of_homopolymers()),
        ):
            getattr(network, name).weight[:, columns] = 0
    wanted, found = scores_of(network, without), scores_of(model.network, tokens)
    assert torch.allclose(found[:, :SEGMENT], wanted[:, :SEGMENT], atol=1e-4)
    nats = evidence.pooled[:, SEGMENT - 1] * SCORE_STEP
    assert found[:, SEGMENT].numpy() == pytest.approx(nats * 0.8 - 3, abs=1e-4)


def test_other_versions_are_refused(tmp_path: Path) -> None:
    path, _ = old_file(tmp_path / "old.safetensors", {**SPEC, "version": 2})
    with pytest.raises(ModelError, match="train it again"):
        read_model(path)


def test_weights_that_fit_no_version_are_refused(tmp_path: Path) -> None:
    path, network = old_file(tmp_path / "old.safetensors", OLD)
    header = {"format": FORMAT, "family": "edits", "name": "old", "config": network.config.to_dict(), "spec": OLD}
    header |= {"calibration": "skip", "card": ""}
    save_file({"slope": torch.ones(EDITED)}, path, {HEADER: json.dumps(header)})
    with pytest.raises(ModelError, match="do not fit"):
        read_model(path)
