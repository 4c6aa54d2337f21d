"""No file names the machine it was written on: package registries and mirrors, or folders of a workplace."""

import re

from source_tree import Violation, files, line_of, main

# Written so that this file does not find itself.
HOSTS = ("registry[.]npmjs", "registry[.]yarnpkg", "deb[.]debian[.]org", "security[.]debian[.]org",
         "archive[.]ubuntu[.]com", "pypi[.]org", "files[.]pythonhosted[.]org", "crates[.]io", "proxy[.]golang[.]org",
         "rubygems[.]org", "repo[.]maven[.]apache")
FOLDERS = ("/wor[k]/", "/tmp/buil[d]", "/roo[t]/")
# "network/work/" is a relative path; a folder of the machine starts a word.
WORKPLACE = re.compile("|".join([rf"\b(?:{'|'.join(HOSTS)})", rf"(?<![\w.\-]){'(?:' + '|'.join(FOLDERS) + ')'}"]))


def check(root):
    for path in files(root):
        content = (root / path).read_bytes()
        if b"\0" in content[:4096]:
            continue
        text = content.decode("utf-8", errors="replace")
        for found in WORKPLACE.finditer(text):
            yield Violation(path, line_of(text, found.start()), f"names {found[0]}, which only this machine knows")


if __name__ == "__main__":
    main(check)
