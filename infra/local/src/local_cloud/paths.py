"""Where the repository's files are."""

from pathlib import Path

from local_cloud.errors import NotSetUp

ROOT = Path(__file__).resolve().parents[4]
"""The folder that holds template.yaml; this package is installed editable, so its files stay in place."""

SOURCES = ROOT / "infra" / "local" / "src"
SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
CLOUD_PYTHON = ROOT / ".tools" / "cloud" / "bin" / "python"
BUILT_TEMPLATE = ROOT / ".aws-sam" / "build" / "template.yaml"
CHAT_FETCH = ROOT / "web" / "dist" / "chat-fetch.js"
"""The browser helper, compiled; what it imports is beside it."""

STATE = ROOT / ".local"
"""What `make dev` leaves for the page and for curl."""


def required(path: Path, command: str) -> Path:
    """The path if it is there; else raises `NotSetUp`, which names the command that makes it."""
    if not path.exists():
        raise NotSetUp(f"{path.relative_to(ROOT)} is missing: run `{command}`")
    return path
