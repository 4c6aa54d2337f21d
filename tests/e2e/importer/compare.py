"""Compares what gdnsd's maps and Meridian's make of the same clients, and explains each difference that there may be.

Datacenters must be the same, in the same order. Two things are Meridian's alone (docs/import.md):

- after the N nearest of an automatic list Meridian goes on with the others, where gdnsd stops: N are compared;
- a scope may differ in two ways, each proven for every address where it happens:
  wider here: the block holds private space or space that carries IPv4, which never narrows a scope in Meridian;
  narrower here: the other half of the block around it has the same list in gdnsd, and here it differs in its tail or in
  whether it has one.
"""

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

    def __init__(self, programs, folder, database, gdnsd_folder, model):
        self.programs, self.folder, self.database = programs, folder, database
        self.gdnsd_folder, self.model = gdnsd_folder, model
        self.compared = self.scopes_equal = self.wider = self.narrower = 0

    def ask(self, addresses):
        theirs = gdnsd.lookup(self.gdnsd_folder, [(self.model.name, address) for address in addresses])
        return theirs, explain(self.programs, self.folder, self.database, self.model.name, addresses)

    def run(self, addresses):
        probes = []
        for address, (names, scope), told in zip(addresses, *self.ask(addresses)):
            self.check_order(address, names, told)
            self.compared += 1
            if told["client"]["whose"] == "private_client_subnet":
                continue  # the resolver's address decides, so the scope is another question's
            if told["scope_bits"] == scope:
                self.scopes_equal += 1
            elif told["scope_bits"] < scope:
                self.check_wider(address, scope, told)
            else:
                probes.append((address, names, told))
        if probes:
            self.check_narrower(probes)

    def check_order(self, address, names, told):
        ours = tiers(told)
        where = f"{self.model.name} {address}: gdnsd {names}, here {ours} by {told['rule']}"
        if is_automatic(self.model, told) and len(names) == self.model.nearest_count:
            assert ours[:len(names)] == names, where
        else:
            assert ours == names, where

    def check_wider(self, address, scope, told):
        inner, bits = looked_up(told, address, told["scope_bits"])
        held = block(inner, bits)
        assert any(held.version == other.version and held.overlaps(other) for other in CARRIERS + PRIVATE), \
            f"{self.model.name} {address}: scope {told['scope_bits']} here and {scope} in gdnsd, and {held} holds only " \
            "ordinary space"
        self.wider += 1

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
