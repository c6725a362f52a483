"""What Portolan's processes hold in memory."""

import re
from collections import defaultdict
from pathlib import Path

from tests.support.portolan import Portolan

TARGET = 200


def resident(instances: list[Portolan]) -> dict[str, tuple[int, int]]:
    """For each kind of process, by its command, the largest resident set and the highest peak, in megabytes."""
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for instance in instances:
        for member in instance.processes:
            status = Path(f"/proc/{member.pid}/status")
            if status.exists() and (sizes := dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status.read_text()))):
                found[_name(member.pid)].append((int(sizes["VmRSS"]) // 1000, int(sizes["VmHWM"]) // 1000))
    return {name: (max(now for now, _ in sizes), max(peak for _, peak in sizes)) for name, sizes in found.items()}


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    for word in ("serve", "granian", "celery"):
        if word in words:
            return word
    return "granian worker" if "multiprocessing" in " ".join(words) else Path(words[0]).name
