"""A stub in the place of a language model, and a tool."""

from perdure import effect

WEATHER = {"Bern": 21, "Oslo": 14}


@effect(idempotent=True, retry=5, timeout=60)
async def complete(history: list) -> dict:
    """Return what the model wants next: tool calls, or the answer."""
    if len(history) == 1:
        cities = [city for city in WEATHER if city in history[0]]
        return {"done": False, "calls": [{"tool": "weather", "argument": city} for city in cities]}
    return {"done": True, "text": "; ".join(str(item) for item in history[1:])}


@effect(idempotent=True)
def weather(city: str) -> str:
    """Return the weather of a city."""
    if city not in WEATHER:
        raise LookupError(f"no station in {city}")
    return f"{city}: {WEATHER[city]} degrees"
