"""Random maps of one meaning in gdnsd's language and in ours: the same datacenters, and scopes that are the same or explained.

compare.py says what may differ and proves it each time it does.
"""

import compare
import gdnsd
import pytest
import world as w

MAPS = 20
ADDRESSES = 5000
SEED = 20260704


@pytest.fixture(scope="module")
def made(programs, tmp_path_factory):
    """Both servers' files, written from one model."""
    folder = tmp_path_factory.mktemp("world")
    rng, world, maps = w.generate(SEED, MAPS)
    database = folder / "city.mmdb"
    world.write(programs, database)
    w.write_gdnsd(folder / "gdnsd", maps, database)
    w.write_meridian(folder / "map", maps)
    return rng, world, maps, database, folder


@gdnsd.needed
def test_both_files_are_accepted(programs, made):
    _, _, _, database, folder = made
    done = programs.check(folder / "map", "--geoip", database)
    assert done.returncode == 0, done.stderr


@gdnsd.needed
def test_random_maps_decide_as_gdnsd_does(programs, made):
    rng, world, maps, database, folder = made
    total = equal = 0
    for model in maps:
        comparison = compare.Comparison(programs, folder / "map", database, folder / "gdnsd", world, model)
        comparison.run(w.border_addresses(rng, world, maps, ADDRESSES))
        assert comparison.compared == ADDRESSES
        total += comparison.compared
        equal += comparison.scopes_equal
        print(f"{model.name}: {'automatic' if model.automatic else 'lists'}, {len(model.places)} places, "
              f"{len(model.nets)} nets: {comparison.scopes_equal} scopes equal, {comparison.wider} wider, "
              f"{comparison.narrower} narrower")
    assert total == MAPS * ADDRESSES
    # Were most scopes "explained", the explanation would be too easy.
    assert equal > 0.95 * total


@gdnsd.needed
def test_imported_maps_decide_as_gdnsd_does(programs, made):
    rng, world, maps, database, folder = made
    done = programs.ctl("import", "gdnsd", folder / "gdnsd" / "config", folder / "imported", "--geoip", database, "--data",
                        programs.data)
    assert done.returncode in (0, 2), done.stderr
    # The database, listen, and the tails of automatic lists; no place, network or list may be among them.
    for line in done.stdout.splitlines()[:-1]:
        assert any(known in line for known in ("site file", "gives up after", "has no coordinates")), line
    for model in maps:
        comparison = compare.Comparison(programs, folder / "imported", database, folder / "gdnsd", world, model)
        comparison.run(w.border_addresses(rng, world, maps, 1000))
