"""Compares what gdnsd's maps and Meridian's make of the same clients, and explains each difference that there may be.

Datacenters must be the same, in the same order. Two things are Meridian's alone (docs/import.md):

- after the N nearest of an automatic list Meridian goes on with the others, where gdnsd stops: N are compared;
- a scope may differ, which is proven for every address where it does:
  wider here: the block holds private space or space that carries IPv4, which never narrows a scope in Meridian; or gdnsd
  has two lists in it of which one is how the other begins, because it stops after N where Meridian goes on to the same end;
  narrower here: the other half of the block around it has the same list in gdnsd, and another tail here.
"""

import bisect
import ipaddress
import json

import gdnsd
import world as w

CARRIERS = [ipaddress.ip_network(text) for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96",
                                                   "2001::/32", "2002::/16")]
PRIVATE = [ipaddress.ip_network(text) for text in (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7",
    "fe80::/10", "::1/128")]


def explain(programs, folder, database, name, addresses):
    """Meridian's explanation for each address, as JSON."""
    listed = "".join(f"{address}/{address.max_prefixlen}\n" for address in addresses)
    done = programs.ctl("explain", f"{name}.example.com", "--map", folder, "--geoip", database, "--data", programs.data,
                        "--from", "-", stdin=listed)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(addresses)
    assert all(each["agrees"] for each in told)
    return told


def tiers(told):
    """The datacenters in the order they are tried."""
    assert all(len(tier["members"]) == 1 for tier in told["tiers"])
    return tuple(tier["members"][0]["datacenter"] for tier in told["tiers"])


def is_automatic(model, told):
    """True when the client's rule has an automatic list, by the model and not by what Meridian wrote."""
    place = told["rule"]["place"]
    if place == "everyone":
        return model.automatic
    named = [names for path, names in model.places.items() if model.place(path) == place]
    return bool(named) and named[0] is None


def block(address, bits):
    return ipaddress.ip_network((address, bits), strict=False)


def looked_up(told, address, scope):
    """Address and scope as they were looked up: of the IPv4 address where one is carried."""
    carried = told["client"]["carrier_bits"]
    inner = ipaddress.ip_address(told["client"]["address"].split("/")[0])
    return (inner, scope - carried) if inner.version != address.version else (address, scope)


def other_half(address, bits):
    """An address in the half beside the block of this length."""
    width = address.max_prefixlen - bits
    return type(address)(int(address) ^ 1 << width)


class Comparison:
    """One map; `failures` are those differences that are not explained."""

    def __init__(self, programs, folder, database, gdnsd_folder, world, model):
        self.programs, self.folder, self.database = programs, folder, database
        self.gdnsd_folder, self.model = gdnsd_folder, model
        networks = [network for network, _ in world.records] + list(model.nets)
        self.borders = {version: sorted({value for network in networks if network.version == version
                                         for value in (int(network[0]), int(network[-1]) + 1)})
                        for version in (4, 6)}
        self.compared = self.scopes_equal = self.wider = self.narrower = 0

    def ask(self, addresses):
        theirs = gdnsd.lookup(self.gdnsd_folder, [(self.model.name, address) for address in addresses])
        return theirs, explain(self.programs, self.folder, self.database, self.model.name, addresses)

    def run(self, addresses):
        narrower, wider = [], []
        for address, (names, scope), told in zip(addresses, *self.ask(addresses)):
            self.check_order(address, names, told)
            self.compared += 1
            if told["client"]["whose"] == "private_client_subnet":
                continue  # the resolver's address decides, so the scope is another question's
            if told["scope_bits"] == scope:
                self.scopes_equal += 1
            elif told["scope_bits"] > scope:
                narrower.append((address, names, told))
            elif not self.holds_special_space(address, told):
                wider.append((address, names, told))
        if wider:
            self.check_wider(wider)
        if narrower:
            self.check_narrower(narrower)

    def check_order(self, address, names, told):
        ours = tiers(told)
        where = f"{self.model.name} {address}: gdnsd {names}, here {ours} by {told['rule']}"
        if is_automatic(self.model, told) and len(names) == self.model.nearest_count:
            assert ours[:len(names)] == names, where
        else:
            assert ours == names, where

    def holds_special_space(self, address, told):
        held = block(*looked_up(told, address, told["scope_bits"]))
        special = any(held.version == other.version and held.overlaps(other) for other in CARRIERS + PRIVATE)
        self.wider += special
        return special

    def check_wider(self, probes):
        """All lists of gdnsd in our block: each begins as ours does or the reverse, and there are two or more.

        A list can change only where some network begins or ends, so asking there asks for all of them.
        """
        asked = []
        for number, (address, _, told) in enumerate(probes):
            held = block(*looked_up(told, address, told["scope_bits"]))
            borders = self.borders[held.version]
            inside = borders[bisect.bisect_left(borders, int(held[0])):bisect.bisect_right(borders, int(held[-1]))]
            asked += [(number, type(held[0])(value)) for value in {int(held[0]), *inside}]
        answers = gdnsd.lookup(self.gdnsd_folder, [(self.model.name, address) for _, address in asked])
        lists = [{names} for _, names, _ in probes]
        for (number, _), (found, _) in zip(asked, answers):
            lists[number].add(found)
        for (address, names, told), found in zip(probes, lists):
            where = f"{self.model.name} {address}: scope {told['scope_bits']} here; gdnsd's lists there are {found}"
            assert len(found) > 1, where
            for each in found:
                shorter, longer = sorted((each, names), key=len)
                assert longer[:len(shorter)] == shorter, where
        self.wider += len(probes)

    def check_narrower(self, probes):
        pairs = [looked_up(told, address, told["scope_bits"]) for address, _, told in probes]
        theirs, ours = self.ask([other_half(address, bits) for address, bits in pairs])
        for (address, names, told), (other_names, _), other in zip(probes, theirs, ours):
            # The half beside is cut in smaller pieces, or its list differs here; its first piece may be gdnsd's same.
            is_cut = other["client"]["leaf_bits"] > told["client"]["leaf_bits"]
            assert tiers(other) != tiers(told) or is_cut, \
                f"{self.model.name} {address}: scope {told['scope_bits']} is narrower than gdnsd's for no reason"
            assert other_names == names or is_cut, f"{self.model.name} {address}: gdnsd's scope is too wide"
        self.narrower += len(probes)


def pool_of(address):
    """The datacenter whose pool an address is."""
    return list(w.DATACENTERS)[int(address.rsplit(".", 1)[1]) - 1]
