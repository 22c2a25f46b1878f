"""What a measurement was taken on, so that its figures can be read later."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("numpy", "pandas", "scikit-learn", "xgboost-cpu")


def machine() -> dict[str, str | int]:
    """Return processor, cores, Python, library versions, and the time now."""
    facts: dict[str, str | int] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }
    facts.update({library: version(library) for library in LIBRARIES})
    return facts


def machine_line(facts: dict[str, str | int]) -> str:
    """Return the facts as one readable line."""
    libraries = ", ".join(f"{name} {facts[name]}" for name in LIBRARIES)
    return (
        f"{facts['date']} on {facts['cores']} cores, {facts['processor']}, {facts['system']}, "
        f"Python {facts['python']}, {libraries}"
    )


def _processor() -> str:
    details = Path("/proc/cpuinfo")
    if details.exists():
        for line in details.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
