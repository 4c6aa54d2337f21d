"""A server with one of the battery's maps."""

import shutil

import sizes
import table
from harness import running_server


def protocol_server(programs, map_folder):
    """A running one, as a context."""

    def prepare(server):
        shutil.rmtree(server.map)
        shutil.copytree(table.CASES.parent / map_folder, server.map)
        if map_folder == "map":
            server.write("zones/s.zone", sizes.zone_text())

    return running_server(programs, prepare)
