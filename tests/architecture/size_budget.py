"""The size budget: no file over 500 lines, no function over 60. `python -m tests.architecture.size_budget` lists what is over."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES, FUNCTION_LINES = 500, 60
# Files that may be longer, each with the reason; data tables mostly.
EXEMPT: dict[str, str] = {}


def python_files(root: Path) -> list[Path]:
    """Our Python files as git knows them, new ones included; migrations are generated and do not count."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\n")
    found = [root / name for name in listed if name and "/migrations/" not in name]
    return [path for path in found if path.exists()]


def over_budget(path: Path, name: str) -> Iterator[str]:
    """One sentence for each excess in a file."""
    text = path.read_text()
    lines = text.count("\n")
    if lines > FILE_LINES and name not in EXEMPT:
        yield f"{name}: {lines} lines, {FILE_LINES} are allowed: split it by feature"
    for node in ast.walk(ast.parse(text, name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines, {FUNCTION_LINES} are allowed"


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    excesses = [line for path in python_files(root) for line in over_budget(path, str(path.relative_to(root)))]
    sys.stdout.writelines(f"{line}\n" for line in excesses)
    return 1 if excesses else 0


if __name__ == "__main__":
    sys.exit(main())
