"""What the servers' files share."""

import dataclasses
import pathlib

import make_zone
import world as w


@dataclasses.dataclass(frozen=True)
class Site:
    """What a server's configuration is made of. `large` adds the large zone and leaves geography out."""
    world: w.World
    build: pathlib.Path
    zones: pathlib.Path  # the folder of the static zones' files, shared by all
    large: bool = False

    def static_zones(self):
        return [w.STATIC_ZONE, *([w.LARGE_ZONE] if self.large else [])]

    def zone_file(self, zone):
        return self.zones / f"{zone}.zone"


def steered_zone(www=""):
    """The zone of the steered name; `www` is its line, where a server wants one in the zone."""
    return make_zone.zone_head(w.STEERED_ZONE) + www
