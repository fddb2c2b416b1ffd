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
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import collection_tree

UNIT = "tests/unit"
# Without capturing, so that the forks can be silenced at once.
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:xdist", "--capture=no")
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
# For all tests on one mutant; on a busy machine the clock is no measure.
SECONDS_OF_WORK = 15
SECONDS_BY_THE_CLOCK = 300
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


def change(patterns: Sequence[str]) -> int:
    """Make the mutants of the current folder, and try those of these names. Returns an exit code.

    mutmut would start pytest anew for each of them, which takes longer than the tests. Here the
    tests are collected once, and each mutant gets a fork of that process.
    """
    import pytest
    from mutmut.__main__ import collect_source_file_mutation_data, create_mutants
    from mutmut.configuration import config
    from mutmut.mutation import mutators
    from mutmut.mutation.trampoline import set_mutant_under_test
    from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths

    operators = mutators.mutation_operators
    operators[:] = [
        (kind, _words(operator) if operator is mutators.operator_string else operator)
        for kind, operator in operators
    ]
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(CHILDREN)
    chosen, _data = collect_source_file_mutation_data(mutant_names=list(patterns))
    trial = Trial([(data, name) for data, name, _result in chosen])
    settings = config()
    tests = settings.pytest_add_cli_args_test_selection
    for data, _name, _result in chosen:
        # Results are written from within, and mutmut names their files from here.
        data.meta_path = data.meta_path.absolute()
    os.chdir("mutants")
    return int(pytest.main(["-q", *settings.pytest_add_cli_args, *tests], plugins=[trial]))


def _words(mutate: Callable[[object], Iterable[object]]) -> Callable[[object], Iterable[object]]:
    """The mutants of a text, unless it is a sentence."""
    return lambda node: () if " " in str(getattr(node, "value", "")) else mutate(node)


class Trial:
    """A plugin of pytest that runs the collected tests on each mutant.

    Args:
        mutants: Each with mutmut's record of its file, which takes the exit code: 0 where no test
            noticed it, 33 where no test meets it, else above 0, or below for a signal.
    """

    def __init__(self, mutants: Sequence[tuple[Any, str]]) -> None:
        self._mutants = mutants
        self._tests: dict[str, list[tuple[float, Any]]] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run all tests once, to learn which meet which function, and then those on the mutants."""
        from mutmut.mutation.trampoline import set_mutant_under_test
        from mutmut.utils.format_utils import mangled_name_from_mutant_name

        set_mutant_under_test("stats")
        self._learn(session)
        if session.testsfailed:
            return True
        running: dict[int, tuple[Any, str]] = {}
        for number, (data, name) in enumerate(self._mutants):
            tests = self._tests.get(mangled_name_from_mutant_name(name), [])
            if not tests:
                data.exit_code_by_key[name] = 33
                continue
            if len(running) == CHILDREN:
                self._await(running)
            if number % 50 == 0:
                print(f"mutant {number} of {len(self._mutants)}", flush=True)
            child = os.fork()
            if child == 0:
                set_mutant_under_test(name)
                _try(session, sorted(tests, key=lambda test: test[0]))
            running[child] = (data, name)
        while running:
            self._await(running)
        return True

    def _learn(self, session: Any) -> None:
        from mutmut.state import state

        for item in session.items:
            state()._stats.clear()
            began = time.monotonic()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            seconds = time.monotonic() - began
            for function in state()._stats:
                self._tests.setdefault(function, []).append((seconds, item))

    def _await(self, running: dict[int, tuple[Any, str]]) -> None:
        child, status = os.wait()
        data, name = running.pop(child)
        data.exit_code_by_key[name] = os.waitstatus_to_exitcode(status)
        data.save()


def _try(session: Any, tests: Sequence[tuple[float, Any]]) -> NoReturn:
    """Run the tests in this process, which ends with 1 as soon as one fails, and with 0 after all.

    One that loops without end is ended by the system.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_OF_WORK, SECONDS_OF_WORK))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS_BY_THE_CLOCK)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        for _seconds, item in tests:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if session.testsfailed:
                os._exit(1)
        os._exit(0)
    except BaseException:
        os._exit(3)


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
        sys.exit(change(sys.argv[2:]))
    else:
        sys.exit(main())
