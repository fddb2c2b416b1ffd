# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes one thing at a time in the engine and the executor: would the unit tests notice?

Each folder of ``module_utils`` is changed by mutmut in a copy, and tried against the tests that
stand for it. What is left unnoticed (a survivor) is shown with its change. Sentences for people
are left as they are: a test that holds every word of them would only repeat the code.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import collection_tree

UNIT = "tests/unit"
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:xdist")
TOO_SLOW = "not choice_05 and not long_chain"
# The tests for each folder: its own, and those that see it from outside. Left out is what tries
# hundreds of examples or whole stores, since each survivor meets every test.
TESTS = {
    "plan": (
        *(f"plan/test_{name}.py" for name in ("bodies", "differences", "guards", "identity")),
        *(f"plan/test_{name}.py" for name in ("order", "plan", "removals")),
        "applied/test_guarded.py",
        "test_open_choices.py",
    ),
    "applied": ("applied", "test_open_choices.py", "test_logout.py"),
    "current": ("current", "applied/test_lost_answers.py", "test_open_choices.py"),
    "desired": ("desired",),
}
MODULE_UTILS = "plugins/module_utils"
# What the tests read of the collection beside its code.
BESIDE = ("tests", "meta", "galaxy.yml", "pyproject.toml")
CHILDREN = 2
KILLED, SURVIVED, UNTRIED = "killed", "survived", "untried"


def main() -> int:
    """The command line. Returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="the folder to work in")
    parser.add_argument("places", nargs="*", help="plan, or plan/guards.py; without any, all")
    options = parser.parse_args()
    root = options.root.resolve()
    places = options.places or list(TESTS)
    if unknown := [place for place in places if place.partition("/")[0] not in TESTS]:
        parser.error(f"{', '.join(unknown)}: the folders are {', '.join(TESTS)}")
    collection = collection_tree.export(root / "tree")
    codes = []
    for folder in dict.fromkeys(place.partition("/")[0] for place in places):
        workshop = _workshop(root, collection, folder)
        chosen = [place for place in places if place.partition("/")[0] == folder]
        command = [sys.executable, __file__, "--within", *map(_pattern, chosen)]
        codes.append(subprocess.run(command, cwd=workshop, check=False).returncode)
        print("\n".join(report(workshop)), flush=True)
    return max(codes)


def _workshop(root: Path, collection: Path, folder: str) -> Path:
    """A folder in which mutmut finds the collection under the name that its code is imported by."""
    workshop = root / folder
    workshop.mkdir(parents=True, exist_ok=True)
    link = workshop / "ansible_collections"
    if not link.is_symlink():
        link.symlink_to(collection.parents[1])
    within = collection_tree.COLLECTION
    settings: dict[str, Sequence[object]] = {
        "source_paths": [within / "plugins"],
        "only_mutate": [f"*/module_utils/{folder}/*.py"],
        "also_copy": [within / name for name in BESIDE],
        "pytest_add_cli_args": [*WITHOUT, "--tb=no", "-k", TOO_SLOW],
        "pytest_add_cli_args_test_selection": [within / UNIT / name for name in TESTS[folder]],
        "use_git_change_detection": ["false"],
        # Seconds by the clock, and twice as many of work. A loop without end costs them all.
        "timeout_multiplier": ["2.0"],
        "timeout_constant": ["15.0"],
    }
    lines = ["[mutmut]"]
    for name, values in settings.items():
        lines += [f"{name} =", *(f"    {value}" for value in values)]
    (workshop / "setup.cfg").write_text("\n".join(lines) + "\n", "utf-8")
    return workshop


def _pattern(place: str) -> str:
    """The mutants of a folder or a file, as mutmut names them."""
    module = f"{collection_tree.COLLECTION}/{MODULE_UTILS}/{place}".removesuffix(".py")
    return module.replace("/", ".") + ".*"


def change(patterns: Sequence[str]) -> None:
    """Let mutmut make the mutants of the current folder, and try those of these names."""
    from mutmut.__main__ import cli
    from mutmut.mutation import mutators

    def words(node: object) -> Iterator[object]:
        """The mutants of a text, unless it is a sentence."""
        if " " not in str(getattr(node, "value", "")):
            yield from mutators.operator_string(node)

    operators = mutators.mutation_operators
    operators[:] = [
        (kind, words if operator is mutators.operator_string else operator)
        for kind, operator in operators
    ]
    cli.main(["run", "--max-children", str(CHILDREN), *patterns])


def report(workshop: Path) -> list[str]:
    """The score of each file, and the names of the survivors."""
    lines, survivors, total = [], [], Counter[str]()
    for path in sorted(workshop.glob("mutants/**/*.meta")):
        codes = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        counts = Counter(map(_fate, codes.values()))
        if set(counts) - {UNTRIED}:
            name = str(path).partition(f"{MODULE_UTILS}/")[2].removesuffix(".meta")
            lines.append(f"{name}: {_score(counts)}")
            survivors += [key for key, code in codes.items() if _fate(code) == SURVIVED]
            total += counts
    return [*lines, f"{workshop.name} in all: {_score(total)}", "Survivors:", *survivors]


def _fate(code: int | None) -> str:
    """What became of a mutant, by the exit code of its tests; a time limit is a way to notice."""
    if code is None:
        return UNTRIED
    # 33 is mutmut's own for a mutant that no test meets.
    return SURVIVED if code in (0, 5, 33) else KILLED


def _score(counts: Counter[str]) -> str:
    tried = counts[KILLED] + counts[SURVIVED]
    share = 100 * counts[KILLED] / tried if tried else 0
    return f"{counts[KILLED]} of {tried} noticed ({share:.1f} %)"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--within"]:
        change(sys.argv[2:])
    else:
        sys.exit(main())
