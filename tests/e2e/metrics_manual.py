"""What docs/metrics.md lists."""

import re

from harness import REPOSITORY


def listed_metrics(of_agent):
    """{name: type} of meridiand's page, or of meridian-agent's."""
    server, _, rest = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8").partition("\n## Of the agent\n")
    agent, _, limits = rest.partition("\n## ")
    listed = {}
    for line in (agent if of_agent else server + limits).splitlines():
        if line.startswith("| `meridian_"):
            names, kind = [cell.strip() for cell in line.split("|")[1:3]]
            listed.update({name: kind for name in re.findall(r"\bmeridian_\w+", names)})
    return listed
