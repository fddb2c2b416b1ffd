# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check and every test, each in an environment of its own.

`make` starts it; `make help` lists what there is, tests/README.md explains it. Nothing is written
outside .cache: a user's own Ansible, with its settings and tokens, plays no part.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import nox
from nox.command import CommandFailed

REPOSITORY = Path(__file__).resolve().parent
sys.path.insert(0, str(REPOSITORY / "tests" / "tools"))

# After the path is set, since the tools are no package.
import collection_tree  # noqa: E402
import find_python  # noqa: E402

CACHE = REPOSITORY / ".cache"
HOME = CACHE / "home"
REQUIREMENTS = REPOSITORY / "tests" / "requirements"
SANDBOX = REPOSITORY / "tests" / "sandbox"
DIST = REPOSITORY / "dist"
TOOLS_ENVIRONMENT = {"PYTHONPATH": str(REPOSITORY / "tests" / "tools")}

# The supported releases of ansible-core, oldest first, each with the Pythons that it runs on,
# best first: so one machine's tests see several. The sandbox store wants 3.11 or newer.
CORES = {
    "2.16": ("3.11", "3.12"),
    "2.17": ("3.11", "3.12"),
    "2.18": ("3.12", "3.11", "3.13"),
    "2.19": ("3.12", "3.11", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
}
NEWEST = "2.21"
# The core for a machine that has no newer Python than the one this project asks for.
FALLBACK = "2.19"
TARGET_PYTHON = "3.9"
UV = (sys.executable, "-m", "uv")

# ansible-test checks what runs under Ansible, by rules of Ansible's own history (no name `_`, for
# one). The test suites and the sandbox store are programs for a newer Python: ruff, mypy and their
# own tests hold them to more.
NOT_FOR_ANSIBLE_TEST = (
    "tests/benchmarks/*",
    "docs/_ext/*",
    "docs/conf.py",
    "tests/contract/*",
    "tests/docs/*",
    "tests/faults/*",
    "tests/integration/*",
    "tests/pipelines/*",
    "tests/report_page/*",
    "tests/release/*",
    "tests/sandbox/*",
    "tests/tools/*",
    "tests/unit/*",
)

# What a developer has set for their own Ansible and stores must not reach a test.
for name in list(os.environ):
    if name.startswith(("ANSIBLE_", "PUBLICA_")) and not name.startswith("PUBLICA_TEST_"):
        del os.environ[name]
# Without bytecode each of some thousand runs of Ansible would compile Ansible first, which takes
# longer than the run, and no operator's does.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.update(
    LC_ALL="C.UTF-8",
    XDG_CACHE_HOME=str(CACHE / "xdg"),
    UV_PYTHON_INSTALL_DIR=str(CACHE / "python"),
    # As pip does: a company's own certificate authority is known to the system alone.
    UV_SYSTEM_CERTS="true",
    MYPY_CACHE_DIR=str(CACHE / "mypy"),
    PYTHONPYCACHEPREFIX=str(CACHE / "pycache"),
    RUFF_CACHE_DIR=str(CACHE / "ruff"),
)

PYTHONS = {
    version: find_python.find(version)
    for version in sorted({TARGET_PYTHON, *(v for fit in CORES.values() for v in fit)})
}
# The real interpreters before any shim of the same name, for nox, uv and ansible-test alike.
os.environ["PATH"] = os.pathsep.join(
    [*{str(found.parent): None for found in PYTHONS.values() if found}, os.environ["PATH"]]
)


def python_for(core: str) -> str | None:
    """The best Python on this machine for a release of ansible-core."""
    return next((version for version in CORES[core] if PYTHONS[version]), None)


def chosen_core() -> str:
    """The ansible-core that CORE names, or the newest one that a Python was found for.

    Raises:
        SystemExit: if CORE names one that cannot be used.
    """
    chosen = os.environ.get("CORE") or (NEWEST if python_for(NEWEST) else FALLBACK)
    if chosen not in CORES:
        raise SystemExit(f"CORE={chosen}: the supported ones are {', '.join(CORES)}.")
    if python_for(chosen) is None:
        raise SystemExit(find_python.missing(CORES[chosen], f"ansible-core {chosen}"))
    return chosen


DEFAULT = chosen_core()
PYTHON = python_for(DEFAULT)

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "uv"
nox.options.envdir = str(CACHE / "nox")
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = [
    *("lint", "types", "docs", "site", f"sanity-{DEFAULT}", "build", "release-test"),
    *("sandbox", "contract", "faults", "bench-test", "report-page", "pipelines"),
    *(f"unit-{DEFAULT}", f"integration-{DEFAULT}"),
]


def install(session: nox.Session, *names: str) -> None:
    """Install the requirement files of these names."""
    session.log(f"Requirements: {', '.join(names)}")
    files = [REQUIREMENTS / f"{name}.txt" for name in names]
    session.install(*(word for file in files for word in ("--requirement", str(file))), log=False)


def core_requirements(core: str) -> str:
    """The name of the requirement file that brings a release of ansible-core."""
    return f"ansible-core/{core}"


def note_fallback(session: nox.Session) -> None:
    """Say it where the newest ansible-core could not be used."""
    if not (os.environ.get("CORE") or DEFAULT == NEWEST):
        session.warn(find_python.missing(CORES[NEWEST], f"ansible-core {NEWEST}"))
        session.warn(f"Until then this runs on ansible-core {DEFAULT}.")


def tree() -> Path:
    """The collection's folder in a fresh copy of the work tree."""
    return collection_tree.export(CACHE / "tree")


def ansible_environment(collection: Path) -> dict[str, str]:
    """The environment of everything that runs Ansible, or imports the collection."""
    root = str(collection.parents[2])
    HOME.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(HOME),
        "ANSIBLE_COLLECTIONS_PATH": root,
        "ANSIBLE_CONFIG": str(collection / "tests" / "ansible.cfg"),
        "PYTHONPATH": os.pathsep.join([root, str(collection / "tests" / "sandbox")]),
    }


def pytest(session: nox.Session, *words: str, env: dict[str, str] | None = None) -> None:
    """Run pytest, or what stands after `--` on nox's command line."""
    cache = CACHE / "pytest" / session.name
    session.run(
        *("python", "-m", "pytest", "-o", f"cache_dir={cache}"),
        *("--numprocesses=auto", "--maxprocesses=4", "--timeout=300"),
        *(session.posargs or words),
        env=env,
        # A test that is interrupted still has its stores to stop.
        interrupt_timeout=20,
    )


@nox.session(python=PYTHON)
def lint(session: nox.Session) -> None:
    """The hooks of .pre-commit-config.yaml on every file, and ansible-lint's production profile."""
    note_fallback(session)
    install(session, "lint", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    # The hooks look at what git knows; in the copy that is nothing yet.
    session.run("git", "add", "--all", external=True)
    run_all(
        session,
        ("pre-commit", "run", "--all-files", "--show-diff-on-failure"),
        ("ansible-lint", "--profile", "production", "--offline", "--strict"),
        env=ansible_environment(collection),
    )


@nox.session(python=PYTHON)
def secrets(session: nox.Session) -> None:
    """Write what looks like a secret into .secrets.baseline, new findings with REASON."""
    install(session, "lint", core_requirements(DEFAULT))
    audit = REPOSITORY / "tests" / "tools" / "audit_secrets.py"
    session.run("python", str(audit), "--accept", os.environ.get("REASON", ""), *session.posargs)


def run_all(session: nox.Session, *commands: Sequence[str], env: dict[str, str]) -> None:
    """Run every command, whatever became of the one before, and fail if any has."""
    failed = []
    for command in commands:
        try:
            session.run(*command, env=env)
        except CommandFailed:
            failed.append(command[0])
    if failed:
        session.error(f"Not in order: {', '.join(failed)}.")


@nox.session(name="format")
def format_code(session: nox.Session) -> None:
    """Bring the Python files into shape."""
    install(session, "lint")
    session.run("ruff", "check", "--fix-only")
    session.run("ruff", "format")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict, on the collection's code, its tools and the sandbox store."""
    install(session, "types", "pytest", "sandbox", "benchmarks", "bootstrap", "release")
    session.chdir(tree())
    env = {"MYPYPATH": str(CACHE / "tree")}
    session.run("mypy", "plugins", env=env)
    tools = {"MYPYPATH": os.pathsep.join(["tests/tools", "tests/sandbox"])}
    programs = ("noxfile.py", "tests/tools", "tests/demo", "docs/examples")
    session.run("mypy", "--python-version", "3.11", *programs, env=tools)
    benchmarks = {"MYPYPATH": os.pathsep.join(["tests/benchmarks", "tests/sandbox"])}
    # numpy, which the charts come with, is written for a newer Python.
    words = ("--python-version", "3.12", "--package", "publica_bench")
    session.run("mypy", *words, env=benchmarks)
    session.chdir("tests/sandbox")
    session.run("mypy")


@nox.session(python=PYTHON)
def docs(session: nox.Session) -> None:
    """What ansible-doc and Galaxy will show: complete, and free of broken references."""
    install(session, "docs", "runtime", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    session.run(
        *("antsibull-docs", "lint-collection-docs", "--plugin-docs"),
        *("--validate-collection-refs=all", "."),
        env=ansible_environment(collection),
    )


@nox.session(python=PYTHON)
def site(session: nox.Session) -> None:
    """The documentation site into .cache/docs/html, and the checks of its pages and their links."""
    html = _build_site(session, "html")
    session.run("python", "tests/tools/find_chromium.py")
    env = {"PUBLICA_TEST_SITE": str(html), "HOME": str(HOME)}
    pytest(session, "tests/docs", env=env)
    session.log(f"The site: {html.relative_to(REPOSITORY)}/index.html")


@nox.session(name="links-online", python=PYTHON)
def links_online(session: nox.Session) -> None:
    """Whether the documentation's links to other hosts still lead somewhere; needs a network."""
    _build_site(session, "linkcheck")


def _build_site(session: nox.Session, builder: str) -> Path:
    """Lay out the site's source, write the reference into it, and run one of Sphinx's builders."""
    install(session, "docs", "site", "pytest", "runtime", core_requirements(DEFAULT))
    collection = tree()
    env = ansible_environment(collection)
    source, target = CACHE / "docs" / "source", CACHE / "docs" / builder
    shutil.rmtree(target, ignore_errors=True)
    session.chdir(collection)
    session.run("python", "tests/tools/docs_source.py", str(source), env=env, silent=True)
    _write_reference(session, source / "reference")
    # A warning fails the build, a page that no table of contents names among them.
    words = ("-q", "-W", "--keep-going", "--fresh-env", "-d", str(CACHE / "docs" / "doctrees"))
    session.run("sphinx-build", *words, "-b", builder, str(source), str(target), env=env)
    return target


def _write_reference(session: nox.Session, target: Path) -> None:
    """Let antsibull-docs write the pages of the modules and the role."""
    # It wants a folder that nobody else may write to.
    target.mkdir(mode=0o755)
    words = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--no-indexes")
    # A clone may itself lie in a folder ansible_collections. Below a second one, as in .cache,
    # Ansible finds no role; from within the collection it takes the role for one without a name.
    with tempfile.TemporaryDirectory() as root:
        env = ansible_environment(collection_tree.export(Path(root)))
        with session.chdir(root):
            command = ("antsibull-docs", "collection", *words, "--dest-dir", str(target))
            session.run(*command, "publica.la", env=env, silent=True)


def sanity(session: nox.Session, core: str) -> None:
    """ansible-test sanity, in a copy of its own, since it writes into it."""
    install(session, "sanity", core_requirements(core))
    collection = collection_tree.export(CACHE / "sanity" / core, NOT_FOR_ANSIBLE_TEST)
    # Each release keeps environments of its own there, under the same names.
    home = CACHE / "sanity" / core / "home"
    _provide_get_pip(session, home)
    session.chdir(collection)
    session.run(
        *("ansible-test", "sanity", "--venv", "--python", str(session.python)),
        *("--requirements", "--color", "no", *session.posargs),
        env={"HOME": str(home)},
    )


def _provide_get_pip(session: nox.Session, home: Path) -> None:
    """Lay the stand-in for get-pip where ansible-test looks for what it has downloaded."""
    ask = (
        "from types import SimpleNamespace as Python\n"
        "from ansible_test._internal.python_requirements import get_venv_packages\n"
        f"print(get_venv_packages(Python(version='{session.python}'))['pip'])"
    )
    answer = session.run("python", "-c", ask, silent=True, log=False)
    version = str(answer).strip()
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    session.install("--target", str(cache / "pip"), f"pip=={version}")
    shutil.copyfile(REPOSITORY / "tests" / "tools" / "get_pip.py", script)


@nox.session(python=PYTHON)
def build(session: nox.Session) -> None:
    """Build archive, checksum and bill of materials into dist, and check them as Galaxy will."""
    install(session, "release", "build", core_requirements(DEFAULT))
    # A copy of its own: what tests leave in theirs must not get into the archive.
    collection = collection_tree.export(CACHE / "build")
    words = ("build", str(collection), "--output", str(DIST))
    session.run("python", "-m", "publica_release", *words, env=TOOLS_ENVIRONMENT)


@nox.session(python=PYTHON)
def release(session: nox.Session) -> None:
    """Prepare the release VERSION; DRY_RUN=1 leaves the clone as it is."""
    install(session, "release", "build", core_requirements(DEFAULT))
    dry_run = os.environ.get("DRY_RUN", "") not in ("", "0")
    # What a dry run builds is not to be mistaken for a release.
    output = CACHE / "release" if dry_run else DIST
    words = ["prepare", os.environ.get("VERSION", ""), "--output", str(output)]
    words += ["--repository", str(REPOSITORY), *(["--dry-run"] if dry_run else [])]
    session.run(
        *("python", "-m", "publica_release", *words, *session.posargs),
        env=TOOLS_ENVIRONMENT,
    )


@nox.session(name="release-test", python=PYTHON)
def release_test(session: nox.Session) -> None:
    """The release tool's own tests, which make a whole release in a clone of their own."""
    # The lint's tools as well, for the test of the one that audits secrets.
    install(session, "pytest", "release", "lint", core_requirements(DEFAULT))
    session.chdir(tree())
    pytest(session, "tests/release")


@nox.session
def sandbox(session: nox.Session) -> None:
    """The sandbox store's own tests."""
    install(session, "pytest", "sandbox")
    collection = tree()
    session.chdir(collection / "tests" / "sandbox")
    pytest(session, "tests", env={"PYTHONPATH": "."})


@nox.session(python=PYTHON)
def contract(session: nox.Session) -> None:
    """The OpenAPI description against the sandbox store and the client's traffic."""
    install(session, "pytest", "runtime", "sandbox", "contract")
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/contract", env=ansible_environment(collection))


@nox.session(python=PYTHON)
def pipelines(session: nox.Session) -> None:
    """The examples of pipelines, execution environments, AWX, navigator and ARA."""
    install(session, "pytest", "runtime", "sandbox", "pipelines", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/pipelines", env=ansible_environment(collection))


@nox.session(python=PYTHON)
def faults(session: nox.Session) -> None:
    """Every fault at every endpoint, and random lists, faults and runs for some hundred steps."""
    collection = _install_faults(session)
    pytest(session, "tests/faults", env=ansible_environment(collection))


@nox.session(python=PYTHON)
def soak(session: nox.Session) -> None:
    """The faults for as long as SOAK_MINUTES says, half an hour without it."""
    collection = _install_faults(session)
    minutes = os.environ.get("SOAK_MINUTES", "30")
    pytest(
        session,
        # A test plays for its part of the minutes.
        *("tests/faults", "--timeout=0"),
        env={**ansible_environment(collection), "SOAK_MINUTES": minutes},
    )


@nox.session(python=PYTHON)
def mutation(session: nox.Session) -> None:
    """One thing changed at a time in the engine, or in what stands after `--`; takes an hour."""
    install(session, "pytest", "unit", "runtime", "mutation", core_requirements(DEFAULT))
    HOME.mkdir(parents=True, exist_ok=True)
    script = REPOSITORY / "tests" / "tools" / "mutation.py"
    # No path to the tree: the tests must find the changed code before the other.
    env = {"HOME": str(HOME), "PYTHONPATH": ""}
    session.run("python", str(script), str(CACHE / "mutation"), *session.posargs, env=env)


def _install_faults(session: nox.Session) -> Path:
    """What the fault suite needs, and the collection's folder, entered."""
    install(session, "pytest", "runtime", "sandbox", "faults", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    return collection


def unit(session: nox.Session, core: str) -> None:
    """The unit tests."""
    install(session, "pytest", "unit", "runtime", core_requirements(core))
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/unit", env=ansible_environment(collection))


def integration(session: nox.Session, core: str) -> None:
    """Real playbooks against sandbox stores, and the documentation's examples."""
    install(session, "pytest", "integration", "runtime", "sandbox", core_requirements(core))
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/integration", env=ansible_environment(collection))


def demo(session: nox.Session, core: str) -> None:
    """The demonstration."""
    install(session, "runtime", "sandbox", core_requirements(core))
    collection = tree()
    python = Path(session.bin) / "python"
    script = collection / "tests" / "demo" / "run_demo.py"
    paths = {"PATH": os.pathsep.join([session.bin, os.environ["PATH"]])}
    # In nox's place instead of under it: nox would be ended by a SIGTERM without passing it on,
    # and the sandbox stores would never be stopped.
    sys.stdout.flush()
    os.execve(  # noqa: S606  (no shell is wanted)
        python,
        [str(python), str(script), "--folder", str(CACHE / "demo")],
        {**os.environ, **paths, **ansible_environment(collection)},
    )


@nox.session(name="report-page", python=PYTHON)
def report_page(session: nox.Session) -> None:
    """The report's page in a real browser, and its other forms by others' parsers."""
    collection = install_for_reports(session)
    pytest(session, "tests/report_page", env=ansible_environment(collection))


@nox.session(name="report-demo", python=PYTHON)
def report_demo(session: nox.Session) -> None:
    """Reports to look at, on three sandbox stores; REPORT_LANGUAGE is en, es or pt."""
    install(session, "runtime", "sandbox", core_requirements(DEFAULT))
    write_demonstration_reports(session, tree(), os.environ.get("REPORT_LANGUAGE") or "en")


@nox.session(name="report-pictures", python=PYTHON)
def report_pictures(session: nox.Session) -> None:
    """Renew the documentation's pictures of a report's page."""
    collection = install_for_reports(session)
    write_demonstration_reports(session, collection, "en")
    page = CACHE / "report-demo" / "audit" / "index.html"
    images = str(REPOSITORY / "docs" / "images")
    session.run("python", "tests/report_page/take_pictures.py", str(page), images)


def install_for_reports(session: nox.Session) -> Path:
    """What the tests of reports need, and the collection's folder, entered."""
    install(session, "pytest", "runtime", "sandbox", "report-page", core_requirements(DEFAULT))
    collection = tree()
    session.chdir(collection)
    session.run("python", "tests/tools/find_chromium.py")
    return collection


def write_demonstration_reports(session: nox.Session, collection: Path, language: str) -> None:
    """Run the demonstration of reports; its paths are told as seen from the work tree."""
    script = str(collection / "tests" / "report_page" / "report_demo.py")
    words = ("--folder", str(CACHE / "report-demo"), "--language", language)
    paths = {"PATH": os.pathsep.join([session.bin, os.environ["PATH"]])}
    with session.chdir(REPOSITORY):
        session.run("python", script, *words, env={**ansible_environment(collection), **paths})


@nox.session(python=PYTHON)
def bench(session: nox.Session) -> None:
    """The benchmarks, with the words after `--`; PUBLISH=1 refreshes the documentation."""
    install_for_benchmarks(session)
    collection = tree()
    results = CACHE / "benchmarks"
    words = ["--folder", str(results), "--commit", commit()]
    if os.environ.get("PUBLISH") == "1":
        words += ["--publish", str(REPOSITORY / "docs")]
    session.run(
        *("python", "-m", "publica_bench", *words, *session.posargs),
        env=benchmark_environment(collection),
    )
    session.log(f"Tables, pictures and every single run: {results.relative_to(REPOSITORY)}")


@nox.session(name="bench-clients", python=PYTHON)
def bench_clients(session: nox.Session) -> None:
    """HTTP clients beside each other, as a table of ratios; docs/decisions has why."""
    install_for_benchmarks(session)
    session.run(
        *("python", "-m", "publica_bench.clients", *session.posargs),
        env=benchmark_environment(tree()),
    )


@nox.session(name="bench-test", python=PYTHON)
def bench_test(session: nox.Session) -> None:
    """The benchmarks' arithmetic, and one small run of them all."""
    install_for_benchmarks(session)
    install(session, "pytest")
    collection = tree()
    session.chdir(collection)
    pytest(session, "tests/benchmarks/tests", env=benchmark_environment(collection))


def install_for_benchmarks(session: nox.Session) -> None:
    """What the contenders and the race need."""
    install(session, "runtime", "sandbox", "benchmarks", core_requirements(DEFAULT))


def benchmark_environment(collection: Path) -> dict[str, str]:
    """The environment of Ansible, with the benchmarks' package to import."""
    env = ansible_environment(collection)
    benchmarks = str(collection / "tests" / "benchmarks")
    return {**env, "PYTHONPATH": os.pathsep.join([benchmarks, env["PYTHONPATH"]])}


def commit() -> str:
    """What is measured, as git names it, with a mark where the work tree differs from it."""
    describe = ("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty")
    said = subprocess.run(describe, capture_output=True, text=True, check=True)  # noqa: S603 (our words)
    return said.stdout.strip()


def for_each_core(run: Callable[[nox.Session, str], None], *tags: str) -> None:
    """Make a session of this for every release of ansible-core, such as unit-2.16.

    The one for the default release also has the bare name as its tag.
    """
    for core in CORES:

        def session_for_core(session: nox.Session, core: str = core) -> None:
            if python_for(core) is None:
                session.error(find_python.missing(CORES[core], f"ansible-core {core}"))
            if core == DEFAULT:
                note_fallback(session)
            run(session, core)

        session_for_core.__doc__ = f"{run.__doc__} On ansible-core {core}."
        # Without a Python there is no environment either, but a session that says what is missing.
        python = python_for(core) or False
        register = nox.session(
            name=f"{run.__name__}-{core}",
            python=python,
            tags=[*tags, *([run.__name__] if core == DEFAULT else [])],
        )
        register(session_for_core)


@nox.session(name="unit-target", python=TARGET_PYTHON if PYTHONS[TARGET_PYTHON] else False)
def unit_target(session: nox.Session) -> None:
    """The unit tests on the oldest Python of an executing host."""
    require_target_python(session)
    install(session, "pytest", "unit", "runtime")
    # Ansible's own part there is the module_utils that a newer controller sends along.
    sent = CACHE / "sent"
    core = REQUIREMENTS / f"{core_requirements(DEFAULT)}.txt"
    words = ("--quiet", "--no-deps", "--python", str(PYTHONS[str(PYTHON)]))
    session.run_install(*UV, "pip", "install", *words, "--target", sent, "-r", core, external=True)
    collection = tree()
    session.chdir(collection)
    env = ansible_environment(collection)
    pytest(session, "tests/unit", env={**env, "PYTHONPATH": f"{env['PYTHONPATH']}:{sent}"})


@nox.session(name="integration-target", python=PYTHON)
def integration_target(session: nox.Session) -> None:
    """The integration tests, with the modules on the oldest Python of an executing host."""
    python = require_target_python(session)
    install(session, "pytest", "integration", "runtime", "sandbox", core_requirements(DEFAULT))
    target = CACHE / "target"
    venv = (*UV, "venv", "--quiet", "--allow-existing", "--python", str(python), str(target))
    session.run_install(*venv, external=True)
    needs = (*UV, "pip", "install", "--quiet", "--python", str(target))
    session.run_install(*needs, "-r", str(REQUIREMENTS / "target.txt"), external=True)
    collection = tree()
    session.chdir(collection)
    env = {"PUBLICA_TEST_TARGET_PYTHON": str(target / "bin" / "python")}
    pytest(session, "tests/integration", env={**ansible_environment(collection), **env})


def require_target_python(session: nox.Session) -> Path:
    """The oldest Python that executing hosts may have, or an error that says how to get it."""
    found = PYTHONS[TARGET_PYTHON]
    if found is None:
        session.error(find_python.missing([TARGET_PYTHON], "the oldest executing hosts"))
    return found


for_each_core(sanity, "sanity-matrix")
for_each_core(unit, "matrix")
for_each_core(integration, "matrix")
for_each_core(demo)
