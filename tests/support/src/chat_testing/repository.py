"""Where the repository's files are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
"""The folder that holds template.yaml; this package is installed editable, so its files stay in place."""

TEMPLATE = ROOT / "template.yaml"
TOOLS = ROOT / ".tools"
