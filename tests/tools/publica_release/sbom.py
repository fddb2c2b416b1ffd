# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bill of materials of the archive: CycloneDX 1.6, as JSON.

It lists the files of the archive with their SHA-256, and the requirements at run time: ansible-core
on the controller, and the libraries of meta/ee-requirements.txt on the executing host. Operators
choose the versions of those, so the bill has ranges.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

from . import archive as archives
from .errors import RefusedError

# The namespace for the serial numbers of documents.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://publica.la/ansible-collection")
RANGE = "publica.la:requires"


def write(archive: Path, collection: Path) -> Path:
    """Write the bill of materials of a collection into the directory of its archive.

    Raises:
        RefusedError: if the document does not match the CycloneDX schema.
    """
    document: str = JsonV1Dot6(bill(archive, collection)).output_as_string(indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(document):
        raise RefusedError([f"The bill of materials does not match its schema: {error}"])
    file = archive.with_name(archive.name.removesuffix(".tar.gz") + ".cdx.json")
    file.write_text(f"{document}\n", "utf-8")
    return file


def bill(archive: Path, collection: Path) -> Bom:
    """The bill of materials. The same archive gives the same bill."""
    about = archives.identity(collection)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    whole = _collection(about, digest)
    needed = [_needed(each) for each in requirements(collection)]
    bom = Bom(
        serial_number=uuid.uuid5(NAMESPACE, digest),
        metadata=BomMetaData(component=whole, timestamp=archives.moment(collection)),
        components=[*needed, *_files(archives.file_hashes(archive))],
    )
    bom.register_dependency(whole, needed)
    return bom


def requirements(collection: Path) -> list[Requirement]:
    runtime = yaml.safe_load((collection / "meta" / "runtime.yml").read_text("utf-8"))
    lines = (collection / "meta" / "ee-requirements.txt").read_text("utf-8").splitlines()
    names = [line.partition("#")[0].strip() for line in lines]
    core = f"ansible-core{runtime['requires_ansible']}"
    return [Requirement(name) for name in [core, *filter(None, names)]]


def _collection(about: Mapping[str, Any], digest: str) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        group=about["namespace"],
        name=about["name"],
        version=about["version"],
        description=about["description"],
        bom_ref="collection",
        licenses=[DisjunctiveLicense(id=name) for name in about["license"]],
        # Package URLs have no type for Ansible's collections.
        purl=PackageURL("generic", about["namespace"], about["name"], about["version"]),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        external_references=[
            ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(about["repository"])),
            ExternalReference(type=ExternalReferenceType.ISSUE_TRACKER, url=XsUri(about["issues"])),
        ],
    )


def _needed(requirement: Requirement) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=requirement.name,
        bom_ref=f"needed:{requirement.name}",
        purl=PackageURL("pypi", name=requirement.name),
        properties=[Property(name=RANGE, value=str(requirement.specifier))],
    )


def _files(hashes: Mapping[str, str]) -> list[Component]:
    return [
        Component(
            type=ComponentType.FILE,
            name=name,
            bom_ref=f"file:{name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        )
        for name, digest in hashes.items()
    ]
