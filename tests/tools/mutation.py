# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutation testing: which changes of the code do the unit tests not detect?

    mutation.py DIRECTORY plan apply/writes.py           all mutants of these places
    mutation.py DIRECTORY plan client --draw 20 --seed 1 twenty of them, drawn at random

Places are below plugins/module_utils. mutmut creates the mutants in DIRECTORY, and the tests of
tests/unit/<place> run on each of them. Mutants that pass all tests are listed as survivors. Strings
with spaces are not changed: a test of every message would only repeat the code.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import collection_tree

PLACES = ("plan", "apply", "store", "input", "client")
COLLECTION = collection_tree.COLLECTION
MODULE_UTILS = COLLECTION / "plugins" / "module_utils"
# Files that the tests read besides the code.
ALSO_COPY = ("tests", "meta", "galaxy.yml", "pyproject.toml")
# Without capturing, so that a fork can silence its output.
PYTEST = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--capture=no", "--tb=no")
CHILDREN = os.cpu_count() or 2
# mutmut's exit code for a mutant that no test executes.
NOT_EXECUTED = 33


def main() -> int:
    """The command line. Returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", type=Path, help="where to work")
    parser.add_argument("places", nargs="*", default=PLACES, help="such as plan or apply/writes.py")
    parser.add_argument("--draw", type=int, metavar="N", help="try N mutants drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    options = parser.parse_args()
    collection = collection_tree.export(options.directory.resolve() / "tree")
    places = [place.removesuffix("/") for place in options.places]
    root = collection.parents[2] / MODULE_UTILS
    if missing := [place for place in places if not (root / place).exists()]:
        parser.error(f"plugins/module_utils has no {', '.join(missing)}")
    tests = sorted({f"tests/unit/{place.partition('/')[0]}" for place in places})
    _configure(options.directory.resolve() / "work", collection, places, tests)
    mutants = _mutants()
    if options.draw is not None:
        mutants = sorted(mutants, key=lambda mutant: mutant[1])
        mutants = random.Random(options.seed).sample(mutants, min(options.draw, len(mutants)))
    return _try_all(mutants)


def _configure(
    directory: Path, collection: Path, places: Sequence[str], tests: Sequence[str]
) -> None:
    """Enter a directory in which mutmut finds the collection by its import name."""
    directory.mkdir(parents=True, exist_ok=True)
    os.chdir(directory)
    link = Path("ansible_collections")
    if not link.is_symlink():
        link.symlink_to(collection.parents[1])
    settings: dict[str, Sequence[object]] = {
        "source_paths": [COLLECTION / "plugins"],
        "only_mutate": [
            f"*/module_utils/{place}" if place.endswith(".py") else f"*/module_utils/{place}/*.py"
            for place in places
        ],
        "also_copy": [COLLECTION / name for name in ALSO_COPY],
        "pytest_add_cli_args": PYTEST,
        "pytest_add_cli_args_test_selection": [COLLECTION / path for path in tests],
        "use_git_change_detection": ["false"],
    }
    lines = ["[mutmut]"]
    for name, values in settings.items():
        lines += [f"{name} =", *(f"    {value}" for value in values)]
    Path("setup.cfg").write_text("\n".join(lines) + "\n", "utf-8")


def _mutants() -> list[tuple[Any, str]]:
    """Create the mutants: each with mutmut's data of its file, and its name."""
    # mutmut reads its configuration from the working directory when it is imported.
    from mutmut.__main__ import collect_source_file_mutation_data, create_mutants
    from mutmut.mutation import mutators
    from mutmut.mutation.trampoline import set_mutant_under_test
    from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths

    operators: Any = mutators.mutation_operators
    operators[:] = [
        (kind, _without_sentences(operator) if operator is mutators.operator_string else operator)
        for kind, operator in operators
    ]
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(CHILDREN)
    found, _data = collect_source_file_mutation_data(mutant_names=[])
    return [(data, name) for data, name, _result in found]


def _without_sentences(mutate: Callable[[Any], Iterable[Any]]) -> Callable[[Any], Iterable[Any]]:
    return lambda node: () if " " in str(getattr(node, "value", "")) else mutate(node)


def _try_all(mutants: Sequence[tuple[Any, str]]) -> int:
    """Run the tests on each mutant, print the result, and return an exit code.

    mutmut would collect the tests again for each mutant, which takes longer than the tests. Here
    they are collected once, and each mutant gets a fork of that process.
    """
    import pytest
    from mutmut.configuration import config

    settings = config()
    trial = Trial([name for _data, name in mutants])
    os.chdir("mutants")
    words = (*settings.pytest_add_cli_args, *settings.pytest_add_cli_args_test_selection)
    code = int(pytest.main([*words], plugins=[trial]))
    print("\n".join(trial.report()), flush=True)
    return code


class Trial:
    """A pytest plugin that runs the collected tests on each mutant."""

    def __init__(self, mutants: Sequence[str]) -> None:
        self._mutants = mutants
        # The tests that execute a function, with their seconds.
        self._tests: dict[str, list[tuple[float, Any]]] = {}
        self._codes: dict[str, int] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run all tests once on the original code, then on each mutant."""
        from mutmut.mutation.trampoline import set_mutant_under_test
        from mutmut.utils.format_utils import mangled_name_from_mutant_name

        set_mutant_under_test("stats")
        self._find_tests(session)
        if session.testsfailed:
            return True
        running: dict[int, str] = {}
        for name in self._mutants:
            tests = self._tests.get(mangled_name_from_mutant_name(name), [])
            if not tests:
                self._codes[name] = NOT_EXECUTED
                continue
            if len(running) == CHILDREN:
                self._wait(running)
            child = os.fork()
            if child == 0:
                set_mutant_under_test(name)
                _run_tests(session, sorted(tests, key=lambda test: test[0]))
            running[child] = name
        while running:
            self._wait(running)
        return True

    def _find_tests(self, session: Any) -> None:
        from mutmut.state import state

        for item in session.items:
            state()._stats.clear()
            start = time.monotonic()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            seconds = time.monotonic() - start
            for function in state()._stats:
                self._tests.setdefault(function, []).append((seconds, item))

    def _wait(self, running: dict[int, str]) -> None:
        child, status = os.wait()
        self._codes[running.pop(child)] = os.waitstatus_to_exitcode(status)

    def report(self) -> list[str]:
        """The detected mutants of each file, and the names of the survivors."""
        total, detected = Counter[str](), Counter[str]()
        survivors = []
        for name, code in self._codes.items():
            module = name.partition(".module_utils.")[2].rpartition(".")[0]
            total[module] += 1
            # A time limit, which ends the process by a signal, detects a mutant too.
            if code in (0, NOT_EXECUTED):
                survivors.append(name)
            else:
                detected[module] += 1
        lines = [f"{module}: {detected[module]} of {total[module]}" for module in sorted(total)]
        lines.append(f"Detected mutants: {detected.total()} of {total.total()}")
        return ["", *lines, "Survivors:", *sorted(survivors)]


def _run_tests(session: Any, tests: Sequence[tuple[float, Any]]) -> NoReturn:
    """Run the tests, and end this process: with 1 at the first failure, with 0 if all pass.

    The system ends it after several times the time that the tests took on the original code.
    """
    seconds = 15 + int(5 * sum(seconds for seconds, _item in tests))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(20 * seconds)
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


if __name__ == "__main__":
    sys.exit(main())
