"""`meridianctl anycast forecast`: files in, a table or JSON out, and what is said of wrong ones."""

import json

import pytest

UNIT = "# unit     queries a second\n"
FILES = {
    "ams1": UNIT + "81.2.69.0/24 900\n82.165.1.0/24 300\n",
    "fra1": UNIT + "81.2.69.0/24 100\n82.165.9.0/24 600\n",
    "iad1": UNIT + "81.2.69.0/24 300\n",
}


@pytest.fixture
def forecast(folder, programs):
    for name, text in FILES.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")

    def run(*words):
        return programs.ctl("anycast", "forecast", *(str(word) for word in words), cwd=folder)

    return run


def test_who_would_land_where(forecast):
    done = forecast("--without", "ams1", "ams1.txt", "fra1.txt", "iad1.txt", "--json")
    assert done.returncode == 0 and not done.stderr, done
    told = json.loads(done.stdout)
    sites = {site["name"]: site for site in told["sites"]}
    assert (told["unit"], told["total"], told["moved"]) == ("queries a second", 2200, 1200)
    # 81.2.69.0/24 asks fra1 and iad1 one to three already; the neighbours of 82.165.1.0/24 ask fra1.
    assert told["evidence"]["network"] == pytest.approx(900) and told["evidence"]["surroundings"] == pytest.approx(300)
    assert sites["fra1"]["then"] == pytest.approx(700 + 225 + 300)
    assert sites["fra1"]["at_most"] == pytest.approx(700 + 900 + 300)
    assert sites["iad1"]["then"] == pytest.approx(300 + 675)
    # Which countries the shipped database says these are is its own business.
    assert [country["moved"] for country in told["countries"]] == pytest.approx([900, 300])
    assert told["countries"][0]["to"] == pytest.approx({"fra1": 225, "iad1": 675})


@pytest.mark.parametrize("capacity, code, word", [(1900, 0, "holds"), (1300, 0, "may hold"), (1200, 1, "too little")])
def test_a_capacity_that_does_not_hold_is_the_exit_code(forecast, capacity, code, word):
    done = forecast("--without", "ams1", "ams1.txt", "fra1.txt", "iad1.txt", "--capacity", f"fra1={capacity}")
    assert done.returncode == code, done
    row = next(line for line in done.stdout.splitlines() if line.startswith("  fra1"))
    assert row.endswith(f"{capacity:,}  {word}")


def test_files_are_named_after_their_sites_or_told_which(forecast):
    done = forecast("--without", "fra1", "--without", "here", "here=ams1.txt", "fra1.txt", "iad1.txt")
    assert done.returncode == 0 and done.stdout.startswith("without here, fra1: 1,900 of 2,200 queries a second go elsewhere\n")


@pytest.mark.parametrize("words, complaint", [
    (["--without", "ams", "ams1.txt", "fra1.txt"], "no demand file is of a site 'ams'; did you mean 'ams1'?"),
    (["--without", "ams1", "--without", "fra1", "ams1.txt", "fra1.txt"], "no site is left"),
    (["--without", "ams1", "ams1.txt", "ams1=fra1.txt"], "two files are of 'ams1'"),
    (["--without", "ams1", "ams1.txt", "=fra1.txt"], "'=fra1.txt' names no site"),
    (["--without", "ams1", "ams1.txt", "gone.txt"], "gone.txt: can't be read"),
    (["--without", "ams1", "ams1.txt", "broken.txt"], "broken.txt:1:1: "),
    (["--without", "ams1", "ams1.txt", "counts.txt"], "counts counts 'queries', and ams1 'queries a second'"),
    (["--without", "ams1", "ams1.txt", "fra1.txt", "--capacity", "fra1"], "'fra1' is no capacity; write NAME=QUERIES"),
    (["--without", "ams1", "ams1.txt", "fra1.txt", "--capacity", "fra1=-1"], "'fra1=-1' is no capacity"),
    (["--without", "ams1", "ams1.txt", "fra1.txt", "--capacity", "iad1=1"], "no demand file is of a site 'iad1'"),
    (["--without", "ams1", "ams1.txt", "fra1.txt", "--database", "city"], "no database is called 'city'"),
    (["--without", "ams1", "ams1.txt"], "no site is left; name the demand files of the others"),
    (["--without", "ams1"], "demand is required"),
    (["ams1.txt", "fra1.txt"], "--without"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_what_can_not_be_told_is_said(forecast, folder, words, complaint):
    (folder / "broken.txt").write_text("somewhere 3\n", encoding="utf-8")
    (folder / "counts.txt").write_text("# unit     queries\n8.8.8.0/24 3\n", encoding="utf-8")
    done = forecast(*words)
    assert done.returncode == 2 and not done.stdout and complaint in done.stderr, done
