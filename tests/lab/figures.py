"""What the scenarios measured: JSON, and the table in docs/anycast.md."""

import json
import os
import statistics

BEGIN, END = "<!-- begin lab: written by make lab WRITE=1 -->", "<!-- end lab -->"
HEAD = """| what happens | level changes after | route gone after | clients served elsewhere after | queries lost | n |
|---|---|---|---|---|---|
"""


def three(values, form):
    """"least · median · most", or one value where they are the same."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    texts = [form(value) for value in (min(known), statistics.median_low(known), max(known))]
    return texts[0] if len(set(texts)) == 1 else " · ".join(texts)


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.2f} s"


def row(scenario):
    runs = scenario["runs"]

    def column(name, form):
        return three([run[name] for run in runs], form)

    return (f"| {scenario['name']} | {column('level_s', seconds)} | {column('route_s', seconds)} "
            f"| {column('elsewhere_s', seconds)} | {column('lost', str)} | {len(runs)} |\n")


def table(scenarios, agent):
    text = HEAD + "".join(row(scenario) for scenario in scenarios)
    if agent:
        text += (f"\nWhile all is well the agent takes {agent['cpu_percent']} % of a core and {agent['resident_mb']} MB, "
                 "the most of the three.\n")
    return text


def merge(path, scenarios, agent):
    """Into the figures of before: a run of some scenarios replaces those alone. Returns all of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"scenarios": [], "agent": {}}
    fresh = {scenario["name"]: scenario for scenario in scenarios}
    merged = [fresh.pop(scenario["name"], scenario) for scenario in before["scenarios"]] + list(fresh.values())
    agent = agent or before["agent"]
    path.write_text(json.dumps({"cores": os.cpu_count(), "agent": agent, "scenarios": merged}, indent=1) + "\n",
                    encoding="utf-8")
    return merged, agent


def write_page(page, scenarios, agent):
    text = page.read_text(encoding="utf-8")
    assert BEGIN in text and END in text, f"{page} has no place for the table"
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n{table(scenarios, agent)}{END}{after}", encoding="utf-8")
