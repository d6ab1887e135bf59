"""From a backbone's specification to the backbone."""

from __future__ import annotations

from generators.backbone import Backbone
from generators.openai_backbone import OpenAIBackbone
from generators.scripted_backbone import ScriptedBackbone
from generators.vllm_backbone import VllmBackbone
from schemas.backbones import BackboneSpec
from schemas.backbones import OpenAIBackbone as OpenAISpec
from schemas.backbones import VllmBackbone as VllmSpec


def open_backbone(name: str, spec: BackboneSpec) -> Backbone:
    """The backbone that the specification describes; it starts when it is entered. Its errors call it `name`."""
    if isinstance(spec, VllmSpec):
        return VllmBackbone(spec, name)
    if isinstance(spec, OpenAISpec):
        return OpenAIBackbone(spec, name)
    return ScriptedBackbone(spec)
