"""`meridianctl map show` and `plan --svg` as programs: tables, JSON, the picture, bad usage."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

import harness
from harness import EXAMPLE

SVG = "{http://www.w3.org/2000/svg}"

# A small world, so that a map compiles at once. Nobody asks from India, and one network of Brazil is located wrongly.
WORLD = """
8.0.0.0/8       country=US continent=NA
81.2.69.0/24    country=GB continent=EU
82.0.0.0/7      country=DE continent=EU
2a00::/12       country=DE continent=EU
58.0.0.0/8      country=CN continent=AS
60.0.0.0/8      country=BR continent=SA
101.0.0.0/16    country=SG continent=AS
"""
FIRST = {"US": "iad", "GB": "ams", "DE": "ams", "CN": "sin", "SG": "sin", "BR": "iad"}


@pytest.fixture
def maps(folder, programs):
    """A copy of the example's map, and `world.mmdb`."""
    (folder / "world.txt").write_text(WORLD.strip() + "\n", encoding="utf-8")
    subprocess.run([programs.build / "bin" / "text_mmdb", folder / "world.txt", folder / "world.mmdb"], check=True,
                   timeout=harness.DEADLINE_S)
    shutil.copytree(EXAMPLE / "map", folder / "map")
    (folder / "map" / "expect.yaml").unlink()
    return folder


def edit(maps, old, new):
    path = maps / "map" / "maps.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def show(programs, maps, *arguments):
    return programs.ctl("map", "show", "--map", "map", "--data", programs.data, *arguments, "--geoip", "world.mmdb", cwd=maps)


def told(programs, maps, *arguments):
    done = show(programs, maps, "--json", *arguments)
    assert done.returncode == 0 and not done.stderr
    return json.loads(done.stdout)["maps"]


class Picture:
    """An SVG file, parsed."""

    def __init__(self, path):
        self.text = path.read_text(encoding="utf-8")
        self.root = xml.etree.ElementTree.fromstring(self.text)
        self.countries = {element.get("id").removeprefix("country-"): element for element in self.root.iter()
                          if element.get("class") == "country"}
        self.patterns = {element.get("id"): element for element in self.root.iter(SVG + "pattern")}

    def colours(self, country):
        """{colour: part} of a country, from its stripes if it has some."""
        fill = self.countries[country].get("fill")
        pattern = re.fullmatch(r"url\(#(.+)\)", fill)
        if not pattern:
            return {fill: 1.0}
        stripes = {rect.get("fill"): float(rect.get("width")) for rect in self.patterns[pattern[1]]}
        whole = sum(stripes.values())
        return {colour: width / whole for colour, width in stripes.items()}

    def title(self, country):
        return self.countries[country].find(SVG + "title").text

    def legend(self):
        """{text: colours} of the legend's lines."""
        lines, colours = {}, []
        group = next(element for element in self.root.iter() if element.get("class") == "legend")
        for element in group:
            if element.tag == SVG + "rect":
                colours.append(element.get("fill"))
            else:
                lines[element.text], colours = colours, []
        return lines


def test_the_tables_name_datacenters_orders_places_and_rules(programs, maps):
    done = show(programs, maps)
    assert done.returncode == 0 and not done.stderr
    lines = [re.sub(r" {2,}", "  ", line) for line in done.stdout.splitlines()]
    assert lines[0] == "map web"
    # Of five /8s and a /16: DE has two, US and BR have one each, CN the last.
    assert lines[2:5] == ["  ams  40.0 %  100.0 %", "  iad  40.0 %  0.0 %", "  sin  20.1 %  0.0 %"]
    assert any(line.startswith("  DE Germany  ") and line.endswith("  ams  iad, sin") for line in lines)
    assert any(line.startswith("  CN China  ") and line.endswith("  sin  –") for line in lines)
    rule = next(line for line in lines if line.startswith("  203.0.113.192/26  "))
    assert "<0.1 %" in rule and re.search(r"maps\.yaml:8:\d+ \(Berlin office, located wrongly by GeoIP\)$", rule)
    assert re.search(r"^besides [\d,]+ IPv4 addresses and [\d,]+ IPv6 /48s that no database knows: \w+, then", done.stdout,
                     re.MULTILINE)


def test_the_json_sums_up(programs, maps):
    (maps / "demand").write_text("81.2.69.0/24 300\n8.0.0.0/8 100\n", encoding="utf-8")
    [web] = told(programs, maps, "--demand", "demand")
    assert (web["map"], web["service"]) == ("web", None)
    for key in ("ipv4", "ipv6_48s", "demand"):
        known = web["known"][key]
        assert known > 0
        for rows in (web["datacenters"], web["countries"], web["rules"],
                     [part for country in web["countries"] for part in country["parts"]]):
            assert sum(row["amount"][key] for row in rows) == pytest.approx(known)
    for country in web["countries"]:
        for part in country["parts"]:
            assert sum(share["share"] for share in part["first"]) == pytest.approx(1)
    firsts = {row["code"]: row["parts"][0]["first"][0]["name"] for row in web["countries"]}
    assert firsts == {**FIRST, "": "ams"}
    loads = {row["name"]: row["amount"]["demand"] for row in web["datacenters"]}
    assert loads == {"ams": pytest.approx(300), "iad": pytest.approx(100), "sin": 0}
    assert web["datacenters"][0]["capacity"] == 40_000
    assert web["known"]["ipv4"] + web["unknown"]["ipv4"] == 2**32


def test_the_picture_has_each_country_in_its_datacenter_s_colour(programs, maps):
    done = show(programs, maps, "--svg", "web.svg")
    assert done.returncode == 0 and done.stdout.startswith("map web\n")
    picture = Picture(maps / "web.svg")
    colours = {text.split()[0]: swatch for text, swatch in picture.legend().items()}
    assert set(colours) == {"ams", "iad", "sin", "no"}
    assert len({tuple(swatch) for swatch in colours.values()}) == 4
    for code, first in FIRST.items():
        assert picture.countries[code].get("data-first") == first
        assert picture.colours(code) == {colours[first][0]: 1.0}, code
    assert picture.colours("IN") == {colours["no"][0]: 1.0} and picture.title("IN") == "IN India"
    assert picture.title("DE").startswith("DE Germany\nams, then iad, sin\n")
    assert len(picture.countries) > 150
    assert {element.find(SVG + "title").text for element in picture.root.iter()
            if element.get("class") == "datacenter"} == {"ams", "iad", "sin"}


def test_the_picture_stands_alone(programs, maps):
    assert show(programs, maps, "--svg", "web.svg").returncode == 0
    picture = Picture(maps / "web.svg")
    assert picture.root.get("role") == "img"
    names = picture.root.get("aria-labelledby").split()
    assert [next(element for element in picture.root if element.get("id") == name).tag for name in names] == [
        SVG + "title", SVG + "desc"]
    assert not any(element.tag in (SVG + "script", SVG + "image", SVG + "foreignObject") for element in picture.root.iter())
    assert not re.search(r"href|https?:(?!//www\.w3\.org/2000/svg)|@import|on\w+=", picture.text)
    assert len(picture.text) < 400_000


def test_a_split_country_has_stripes_and_parts(programs, maps):
    edit(maps, "- {for: CN,", '- {for: 60.0.0.0/10, prefer: [sin]}\n      - {for: CN,')
    done = show(programs, maps, "--svg", "web.svg")
    assert re.search(r"^  BR Brazil .*\n    of it +75\.0 % +– +iad .*\n    of it +25\.0 % +– +sin ", done.stdout, re.MULTILINE)
    picture = Picture(maps / "web.svg")
    legend = {text.split()[0]: swatch[0] for text, swatch in picture.legend().items()}
    assert picture.colours("BR") == {legend["iad"]: pytest.approx(0.75, abs=0.01), legend["sin"]: pytest.approx(0.25, abs=0.01)}
    assert "\n75.0 %  iad, then " in picture.title("BR") and "\n25.0 %  sin, then " in picture.title("BR")


def test_a_service_has_its_own_pools_and_states_count(programs, maps):
    [view] = told(programs, maps, "--name", "www-ams.example.com")
    assert view["service"] == "www-ams.example.com"
    assert {row["name"]: row["amount"]["ipv4"] for row in view["datacenters"]}["ams"] == view["known"]["ipv4"]
    [down] = told(programs, maps, "--of", "web", "--assume", "ams down")
    firsts = {row["code"]: row["parts"][0]["first"][0]["name"] for row in down["countries"]}
    assert firsts["DE"] == "iad" and firsts["US"] == "iad" and firsts["CN"] == "sin"


def test_names_are_text_in_the_picture(programs, maps):
    """A service's name is the only text of an operator's that may hold odd characters."""
    services = maps / "map" / "services.yaml"
    text = services.read_text(encoding="utf-8").replace("api.example.com:", '"<&>.example.com":')
    services.write_text(text, encoding="utf-8")
    done = show(programs, maps, "--name", "<&>.example.com", "--svg", "odd.svg")
    assert done.returncode == 0 and not done.stderr
    assert Picture(maps / "odd.svg").root.find(SVG + "title").text == "<&>.example.com (map web)"


@pytest.mark.parametrize("arguments, code, expected", [
    (["--of", "wen"], 2, "there is no map 'wen'; did you mean 'web'?"),
    (["--name", "ww.example.com"], 2, "did you mean 'www.example.com'?"),
    (["--assume", "ams sleepy"], 2, "'ams sleepy' is no assumption"),
    (["--assume", "sjc down"], 2, "--assume: the map has no datacenter 'sjc'"),
    (["--demand", "absent"], 1, "absent"),
    (["--svg", "no/such/folder.svg"], 1, "no/such/folder.svg: cannot write it: No such file or directory"),
    (["--svg", "."], 1, ".: cannot write it: Is a directory"),
    (["--bogus"], 2, "--bogus"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_what_cannot_be_done_is_told(programs, maps, arguments, code, expected):
    done = show(programs, maps, *arguments)
    assert done.returncode == code and expected in done.stderr
    assert not done.stdout


def test_a_full_disk_is_told(programs, maps):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    done = show(programs, maps, "--svg", "/dev/full")
    assert done.returncode == 1 and "/dev/full: cannot write it: No space left on device" in done.stderr


def test_broken_or_missing_outlines_are_told_with_their_place(programs, maps):
    data = maps / "data"
    shutil.copytree(programs.data, data)
    outlines = data / "outlines.txt"
    outlines.write_text("DE 0,0 1,x 2,2\n", encoding="utf-8")
    arguments = ["map", "show", "--map", "map", "--data", data, "--geoip", "world.mmdb"]
    done = programs.ctl(*arguments, "--svg", "web.svg", cwd=maps)
    assert done.returncode == 1 and f"{outlines}:1:8: '1,x' is no point" in done.stderr
    assert not (maps / "web.svg").exists()
    outlines.unlink()
    done = programs.ctl(*arguments, "--svg", "web.svg", cwd=maps)
    assert done.returncode == 1 and "cannot read the outlines of countries: there is no such file" in done.stderr
    assert programs.ctl(*arguments, cwd=maps).returncode == 0  # only a picture needs them


def test_two_maps_are_told_one_after_the_other_and_drawn_alone(programs, maps):
    with open(maps / "map" / "maps.yaml", "a", encoding="utf-8") as file:
        file.write("  all-to-sin:\n    rules: [{for: everyone, only: [sin]}]\n")
    assert [row["map"] for row in told(programs, maps)] == ["web", "all-to-sin"]
    done = show(programs, maps, "--svg", "web.svg")
    assert done.returncode == 2 and "--svg draws one map; choose it with --of or --name" in done.stderr
    assert show(programs, maps, "--of", "all-to-sin", "--svg", "web.svg").returncode == 0
    assert Picture(maps / "web.svg").countries["DE"].get("data-first") == "sin"


def test_a_plan_is_drawn_with_what_moves(programs, maps):
    shutil.copytree(maps / "map", maps / "old")
    edit(maps, "{for: europe,           prefer: [ams]}", "{for: europe,           prefer: [sin]}")
    arguments = ["--geoip", "world.mmdb", "--data", programs.data]
    done = programs.ctl("plan", "old", "map", "--svg", "change.svg", *arguments, cwd=maps)
    assert done.returncode == 2 and done.stdout.startswith("moved  ")
    # The picture changes nothing of what is told.
    assert programs.ctl("plan", "old", "map", *arguments, cwd=maps).stdout == done.stdout
    picture = Picture(maps / "change.svg")
    [(text, (_, gains))] = picture.legend().items()
    assert text.startswith("ams → sin  ")
    # One name of five is a view of ams, which stays.
    moved = picture.colours("DE")
    assert moved[gains] == pytest.approx(0.8, abs=0.01) and len(moved) == 2
    assert picture.countries["DE"].get("data-first") == "sin"
    assert "\nams → sin: 80.0 % of IPv4" in picture.title("DE")
    assert gains not in picture.colours("US") and picture.title("US") == "US United States\nstays with iad"
    done = programs.ctl("plan", "map", "map", "--svg", "still.svg", *arguments, cwd=maps)
    assert (done.returncode, done.stdout) == (0, "")
    assert Picture(maps / "still.svg").root.find(SVG + "title").text == "Nothing moves"
    done = programs.ctl("plan", "old", "map", "--svg", "no/such.svg", *arguments, cwd=maps)
    assert done.returncode == 1 and not done.stdout and "no/such.svg: cannot write it" in done.stderr
