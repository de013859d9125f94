#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the links of all documents to what they lead to: files that are there, and headings within them.

  scripts/check-links.py [ROOT]      ROOT defaults to the project's root

What leads out of the project is not followed. An anchor is a heading's as GitHub makes it: lower case, no punctuation, a hyphen
for each space, and a number behind where another heading was first.
"""

import pathlib
import re
import sys
import urllib.parse

# The text of a link may begin a line before.
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)|^\[[^\]]+\]:\s*(\S+)|(?:href|src)=\"([^\"]+)\"")
OUTWARD = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
NAMED = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
IGNORED = {".build", ".git", ".run"}


def prose(text):
    """The numbered lines of a document that are not code; what is code within a line is left out."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = None
        elif mark:
            fence = mark[1]
        else:
            yield number, line


def anchors(text):
    """What a document's headings are called by in links."""
    found, seen = set(), {}
    for _, line in prose(text):
        found.update(NAMED.findall(line))
        heading = HEADING.match(line)
        if not heading:
            continue
        title = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def targets(line):
    for match in LINK.finditer(re.sub(r"`[^`]*`", "``", line)):
        yield next(group for group in match.groups() if group)


class Documents:
    def __init__(self, root):
        self.root = root
        self.known = {}

    def paths(self):
        for path in sorted(self.root.rglob("*.md")):
            if not IGNORED.intersection(path.relative_to(self.root).parts):
                yield path

    def anchors(self, path):
        if path not in self.known:
            self.known[path] = anchors(path.read_text(encoding="utf-8"))
        return self.known[path]

    def fault(self, document, target):
        """Why a link leads nowhere; `None` where it leads somewhere."""
        place, _, anchor = urllib.parse.unquote(target).partition("#")
        path = (document.parent / place).resolve() if place else document
        if not path.is_relative_to(self.root):
            return "leads out of the project"
        if not path.exists():
            return "leads to no file"
        if anchor and path.suffix == ".md" and anchor not in self.anchors(path):
            return "leads to no heading"
        return None


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    documents = Documents(root)
    links, faults = 0, 0
    for path in documents.paths():
        for number, line in prose(path.read_text(encoding="utf-8")):
            for target in targets(line):
                if OUTWARD.match(target):
                    continue
                links += 1
                if fault := documents.fault(path, target):
                    faults += 1
                    print(f"{path.relative_to(root)}:{number}: the link '{target}' {fault}", file=sys.stderr)
    if not links:
        faults += 1
        print("no links found: this check looks in the wrong place", file=sys.stderr)
    if faults:
        sys.exit(f"Links: {faults} fault(s).")
    print(f"Links: {links} links, all lead somewhere.")


if __name__ == "__main__":
    main()
