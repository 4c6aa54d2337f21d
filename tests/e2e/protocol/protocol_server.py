"""A server with one of the battery's maps."""

import shutil

import sizes
import table
from harness import REPOSITORY, running_server

SMALL_DATABASE = REPOSITORY / "tests/fuzz/corpus/mmdb/country_code"


def protocol_server(programs, map_folder):
    """A running one, as a context. Its maps name no countries: a database of a few networks is compiled in no time."""

    def prepare(server):
        shutil.rmtree(server.map)
        shutil.copytree(table.CASES.parent / map_folder, server.map)
        shutil.copy(SMALL_DATABASE, server.folder / "small.mmdb")
        server.write_site(geoip="[small.mmdb]")
        if map_folder == "map":
            server.write("zones/s.zone", sizes.zone_text())

    return running_server(programs, prepare)
