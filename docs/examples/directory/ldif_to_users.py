"""Turn the entries of a directory (LDIF, from standard input) into users (JSON Lines)."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator

# The options, and the attributes that they come from.
ATTRIBUTES = {"email": "mail", "external_id": "employeeNumber"}
# The plan of a group's members. Of several groups, the first one here counts.
PLANS = {
    "cn=faculty,ou=groups,dc=example,dc=org": "Staff",
    "cn=escuela de música,ou=groups,dc=example,dc=org": "Campus",
}
# Active Directory's mark of a disabled account.
ACCOUNT_DISABLED = 2

Entry = dict[str, list[str]]


def entries(ldif: str) -> Iterator[Entry]:
    """The entries, with the values of each attribute by its name in lower case."""
    # A line that begins with a blank continues the line before it.
    for block in ldif.replace("\r\n", "\n").replace("\n ", "").split("\n\n"):
        entry: Entry = {}
        for line in block.split("\n"):
            name, _colon, value = line.partition(":")
            if value.startswith(":"):
                value = base64.b64decode(value[1:]).decode("utf-8")
            # The name of a comment begins with "#", so it is no attribute.
            entry.setdefault(name.lower(), []).append(value.lstrip(" "))
        if "dn" in entry:
            yield entry


def user(entry: Entry) -> dict[str, str]:
    """The user of an entry; without a key, only the state."""
    found = {
        option: entry[attribute.lower()][0]
        for option, attribute in ATTRIBUTES.items()
        if attribute.lower() in entry
    }
    groups = {group.lower() for group in entry.get("memberof", [])}
    plans = [plan for group, plan in PLANS.items() if group.lower() in groups]
    if plans:
        found["plan_name"] = plans[0]
    flags = int(entry.get("useraccountcontrol", ["0"])[0])
    found["state"] = "absent" if flags & ACCOUNT_DISABLED else "active"
    return found


def main() -> int:
    """The command line. Returns its exit code."""
    without_key = 0
    for entry in entries(sys.stdin.buffer.read().decode("utf-8")):
        found = user(entry)
        if ATTRIBUTES.keys() & found.keys():
            print(json.dumps(found))
        else:
            without_key = 1
            missing = " and no ".join(ATTRIBUTES.values())
            print(f"{entry['dn'][0]}: no {missing}", file=sys.stderr)
    return without_key


if __name__ == "__main__":
    sys.exit(main())
