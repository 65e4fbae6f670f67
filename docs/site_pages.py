"""A hook of MkDocs: files outside of `docs/` that are pages of the site, and links to all others.

Documents link to each other and to code by their paths in the repository. On the site, a link to a
page becomes one to that page. A link to any other file becomes one to the repository's address, if
`REPOSITORY_URL` is set, and plain text otherwise.
"""

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "vulnerabilities.md",
    "benchmarks/README.md": "benchmarks-method.md",
    "benchmarks/lakehouse/README.md": "lakehouse.md",
    "benchmarks/results.md": "benchmarks-numbers.md",
    "benchmarks/results.svg": "benchmarks.svg",
    "pipelines/deploy/README.md": "deployment.md",
    "sources/README.md": "verified-source.md",
    "sources/ai_batches/README.md": "source.md",
}
"""Paths in the repository, and on the site."""
INSIDE = {page: path for path, page in OUTSIDE.items()}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the files outside of `docs/`."""
    for path, page in OUTSIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrites the links of a page, outside of code."""
    site_path = page.file.src_uri
    folder = posixpath.dirname(INSIDE.get(site_path, f"docs/{site_path}"))

    def rewritten(link: re.Match[str]) -> str:
        mark, text, target, anchor = link.groups()
        if "://" in target or target.startswith("mailto:"):
            return link[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        if not (ROOT / path).exists():
            # MkDocs says so, and fails
            return link[0]
        on_site = OUTSIDE.get(path, path.removeprefix("docs/"))
        file = files.get_file_from_path(on_site)
        if file and file.inclusion.is_included():
            return f"{mark}[{text}]({on_site}{anchor or ''})"
        address = os.environ.get("REPOSITORY_URL")
        return f"[{text}]({address}/blob/HEAD/{path})" if address else text

    parts = FENCE.split(markdown)
    return "".join(
        part if number % 2 else LINK.sub(rewritten, part) for number, part in enumerate(parts)
    )
