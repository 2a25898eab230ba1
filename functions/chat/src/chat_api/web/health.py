"""GET /health: the function starts and answers."""

from fastapi import APIRouter

router = APIRouter()


@router.get("/health")
async def health() -> dict[str, str]:
    """The settings were valid and the application was built; nothing else is touched, so that it costs nothing."""
    return {"status": "ok"}
