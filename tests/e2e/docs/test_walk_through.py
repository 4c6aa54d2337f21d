"""What these pages of docs/ show is what their commands print."""

import pytest
import walk_through

from harness import REPOSITORY

# And how many commands they have at least.
PAGES = {"edit-the-map.md": 20, "anycast-setup.md": 10}


@pytest.mark.parametrize("page, least", PAGES.items())
def test_the_page_shows_what_its_commands_print(page, least, programs):
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    shell = walk_through.Shell(programs.build)
    ran = 0
    try:
        for command, said, printed in walk_through.run_page(text, shell):
            wanted = walk_through.normalized("\n".join(said))
            assert walk_through.normalized(printed) == wanted, f"$ {command}"
            ran += 1
    finally:
        shell.end()
    assert ran >= least
