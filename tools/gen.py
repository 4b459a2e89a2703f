"""Write the generated files anew, or with --check say which are stale.

Each generator gives the whole text of its file; the file's first lines say that it is generated.
"""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# file -> "module:function" in tools/; of a folder (name/) the function gives every file
GENERATED: dict[str, str] = {
    "tests/golden/sql/": "gen_sql:files",
    "docs/SCHEMA.md": "gen_schema_docs:text",
}


def main() -> int:
    sys.path.insert(0, str(ROOT / "tools"))
    stale = []
    files: dict[str, str] = {}
    for name, reference in GENERATED.items():
        module, function = reference.split(":")
        made = getattr(importlib.import_module(module), function)()
        files.update(made if name.endswith("/") else {name: made})
    for name, text in files.items():
        path = ROOT / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv:
            stale.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if stale:
        print("stale: " + ", ".join(stale) + "; ./dev gen writes them anew")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
