"""Models that have no file."""

from deepconsensus_py.corrector import Corrector
from deepconsensus_py.methods import METHODS, imported
from deepconsensus_py.models.device import DeviceNetwork
from deepconsensus_py.models.weights import Model, model_header


def corrector_of(model: Model, *, device: str = "cpu", **given: object) -> Corrector:
    """A model in memory as a corrector, with the options given by name."""
    header = model_header(model)
    method = imported(METHODS[header["family"]].method).of(header, given)
    return Corrector(method, DeviceNetwork(model.network, device=device, agreement=model.agreement))
