"""What users can choose beside their message: which model answers, and a tool that it begins with.

The page shows what is here, and the server takes nothing else (docs/choices.md). `prices.json` says what models cost.
"""

from chat_api.choices import Choices, ModelOffer, ToolOffer
from chat_api.texts import mark

CHOICES = Choices(
    models=(
        ModelOffer("fast", mark("Fast"), mark("Quick answers to everyday questions"), default=True),
        ModelOffer("thorough", mark("Thorough"), mark("Takes its time for hard questions"), model="gpt-5"),
    ),
    tools=(
        ToolOffer("show", mark("Show my tasks"), "notebook", tool="show_tasks"),
        ToolOffer("add", mark("Add a task"), "write", tool="add_task", placeholder=mark("What is to be done?")),
    ),
)

IMAGE = ToolOffer(
    "image", mark("Create an image"), "images", tool="image_generation", placeholder=mark("What is it to show?")
)
"""Offered where `IMAGE_GENERATION` says so (docs/images.md)."""
