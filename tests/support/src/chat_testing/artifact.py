"""The built function, laid out as Lambda would, among emulators of what it calls."""

from collections.abc import Mapping
from pathlib import Path

from chat_api.settings import Settings
from chat_testing.repository import ROOT
from chat_testing.sandbox import STREAMING, Sandbox, make_sandbox

BUILD = ROOT / ".aws-sam" / "build"
LAYERS = ("StreamingLayer", "ChatKitAwsLayer", "DependenciesLayer")


def built_sandbox(root: Path, variables: Mapping[str, str]) -> Sandbox:
    """The chat function's built folders under `root`; fails where they were not built for this machine yet."""
    assert (BUILD / "template.yaml").exists(), "run `make build` first"
    return make_sandbox(
        root,
        task=BUILD / "ChatFunction",
        layers=[BUILD / layer for layer in LAYERS],
        handler="chat_api.handler.handler",
        variables={**STREAMING, **variables},
    )


def variables_of(settings: Settings) -> dict[str, str]:
    """Settings as the environment variables that they come from."""
    values = settings.model_dump()
    return {name.upper(): ",".join(value) if isinstance(value, tuple) else str(value) for name, value in values.items()}
