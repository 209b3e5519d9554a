"""Relative links of the repository's Markdown pages lead to what is there, and docs/README.md to every page of docs/. Usage: check_links.py ROOT"""

import pathlib
import re
import subprocess
import sys

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")
# Pages are also named by their path from the root, in backticks.
NAMED_PAGE = re.compile(r"`(docs/[\w./-]+\.(?:md|json|svg|png))`")
ADDRESS = re.compile(r"^[a-z]+:")


def anchors(page):
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def targets(root, page):
    """(line, what is written, path) of every link in the page."""
    text = FENCE.sub(lambda block: "\n" * block.group().count("\n"), page.read_text())
    for number, line in enumerate(text.splitlines(), 1):
        for link in LINK.findall(line):
            if not ADDRESS.match(link):
                yield number, link, page.parent / link.partition("#")[0] if not link.startswith("#") else page
        for named in NAMED_PAGE.findall(line):
            yield number, named, root / named


def find_faults(root, pages):
    for page in pages:
        for number, written, target in targets(root, page):
            anchor = written.partition("#")[2]
            if not target.exists():
                yield f"{page.relative_to(root)}:{number}: {written}: no such file"
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                yield f"{page.relative_to(root)}:{number}: {written}: no such heading"
    index = root / "docs/README.md"
    linked = {target.resolve() for _, _, target in targets(root, index)}
    for page in sorted((root / "docs").rglob("*.md")):
        if page.resolve() not in linked and page != index:
            yield f"docs/README.md: no link to {page.relative_to(root)}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    try:
        listed = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                                capture_output=True, text=True, check=True).stdout.split()
        pages = [root / name for name in listed if (root / name).exists()]
    except (OSError, subprocess.CalledProcessError):  # a tree without its history
        pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
    faults = list(find_faults(root, pages))
    print("\n".join(faults) if faults else f"{len(pages)} pages, every link leads somewhere")
    sys.exit(1 if faults or not pages else 0)


if __name__ == "__main__":
    main()
