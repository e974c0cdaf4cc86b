#!/usr/bin/env python3
"""Pins the checkpoints of models/timm_pretrained.tsv: asks the hub for the commit and the SHA-256 of each repository's weights that
have none yet, and writes them into the table. Needs the network; HF_ENDPOINT names another hub, HF_TOKEN a token for it.

What is pinned already stays, and is compared: a repository whose weights are others now is named, and the exit code is 1.

Usage: tools/pin_checkpoints.py [TABLE]
"""
import os
import pathlib
import re
import sys
import urllib.error
import urllib.request

FILE = "model.safetensors"
HUB = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The hub's own answer says what the storage behind it does not."""

    def redirect_request(self, *_):
        return None


def stated(repository, commit):
    """Commit and SHA-256 as the hub states them in its headers."""
    request = urllib.request.Request(f"{HUB}/{repository}/resolve/{commit or 'main'}/{FILE}", method="HEAD")
    if os.environ.get("HF_TOKEN"):
        request.add_header("Authorization", "Bearer " + os.environ["HF_TOKEN"])
    try:
        headers = urllib.request.build_opener(NoRedirect).open(request, timeout=30).headers
    except urllib.error.HTTPError as error:
        if error.code not in (301, 302, 303, 307, 308):
            raise
        headers = error.headers
    found = headers.get("X-Repo-Commit", ""), (headers.get("X-Linked-Etag") or headers.get("ETag") or "").strip('W/"')
    if not re.fullmatch("[0-9a-f]{40}", found[0]) or not re.fullmatch("[0-9a-f]{64}", found[1]):
        raise OSError(f"the hub states no commit and SHA-256, but {found}")
    return found


def main():
    table = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "models/timm_pretrained.tsv"
    header, *rows = [line.split("\t") for line in table.read_text().splitlines()]
    repository, commit, sha256 = (header.index(name) for name in ("hub_repository", "commit", "sha256"))
    pins, problems, pinned = {}, [], 0
    for row in rows:
        name = row[repository]
        if (name, row[commit]) not in pins:
            try:
                pins[name, row[commit]] = stated(name, row[commit])
            except OSError as error:
                pins[name, row[commit]] = None
                problems.append(f"{name}: {error}")
        pin = pins[name, row[commit]]
        if pin is None:
            continue
        if row[sha256] not in ("", pin[1]):
            problems.append(f"{name}: the table has {row[sha256]}, the hub {pin[1]}")
            continue
        pinned += (row[commit], row[sha256]) != pin
        row[commit], row[sha256] = pin
    written = table.with_suffix(".part")
    written.write_text("".join("\t".join(row) + "\n" for row in [header, *rows]))
    written.replace(table)
    for problem in dict.fromkeys(problems):
        print(problem, file=sys.stderr)
    print(f"{len(rows)} rows, {pinned} pinned now", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
