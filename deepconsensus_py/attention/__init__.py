"""The attention core; it is independent of genomics and imports only torch.

``attend`` turns scores into weights, given a pattern (allowed pairs) and a bias (added to their scores); ``MultiHead``
and ``Trunk`` are layers on it. Trunks over several processes are in ``attention.parallel``, which uses torch's
distributed tensors and is not imported here.
"""

from deepconsensus_py.attention.blocks import Block, Encoder, Trunk
from deepconsensus_py.attention.build import PRESETS, preset
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, PerHeadConfig, RoutingConfig, TrunkConfig
from deepconsensus_py.attention.core import attend
from deepconsensus_py.attention.cost import LayerCost, layer_cost
from deepconsensus_py.attention.explain import attention_map, occlusion, recorded_maps, rollout
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.patterns import BlockLocal, Edges, Full, Pattern
from deepconsensus_py.attention.position import Additive, Alibi, Bias, EdgeType, sinusoid
from deepconsensus_py.attention.relative import Halves, Rel2D, Shaw, Skew
from deepconsensus_py.attention.rotary import Rotary
from deepconsensus_py.attention.routing import PerHead, Routing
from deepconsensus_py.attention.spatial import AAConv, BoT, Halo, StandAlone
from deepconsensus_py.attention.tokens import Cache, Tokens

__all__ = [
    "PRESETS",
    "AAConv",
    "Additive",
    "Alibi",
    "AttentionConfig",
    "Bias",
    "BiasConfig",
    "Block",
    "BlockLocal",
    "BoT",
    "Cache",
    "EdgeType",
    "Edges",
    "Encoder",
    "Full",
    "Halo",
    "Halves",
    "LayerCost",
    "MultiHead",
    "Pattern",
    "PerHead",
    "PerHeadConfig",
    "Rel2D",
    "Rotary",
    "Routing",
    "RoutingConfig",
    "Shaw",
    "Skew",
    "StandAlone",
    "Tokens",
    "Trunk",
    "TrunkConfig",
    "attend",
    "attention_map",
    "layer_cost",
    "occlusion",
    "preset",
    "recorded_maps",
    "rollout",
    "sinusoid",
]
