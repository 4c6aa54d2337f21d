"""Whether a server answers rightly, before its speed is measured: another answer is another contest."""

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

import make_zone
import world as w
from process import BenchError
from servers import echo

TIMEOUT_S = 5
NAMES_CHECKED = 8


def check_server(name, port, kinds, world, subnets):
    """Raises BenchError for the first answer that is not what the zones and the map say."""
    if name in echo.NAMES:
        return
    if "ecs" in kinds:
        for address, datacenter in subnets:
            check_steered(name, port, address, datacenter)
    zone, records = (w.LARGE_ZONE, world.large_records) if "large" in kinds else (w.STATIC_ZONE, w.STATIC_RECORDS)
    for number in range(0, records, max(1, records // NAMES_CHECKED)):
        for transport in (dns.query.udp, dns.query.tcp):
            reply = ask(name, port, f"{make_zone.host(number, records)}.{zone}", transport)
            expect(name, reply, dns.rcode.NOERROR, {make_zone.address(number)})
    for transport in (dns.query.udp, dns.query.tcp):
        reply = ask(name, port, f"missing.{zone}", transport)
        expect(name, reply, dns.rcode.NXDOMAIN, set())
        if [record_set.rdtype for record_set in reply.authority] != [dns.rdatatype.SOA]:
            raise BenchError(f"{name}: NXDOMAIN without an SOA record:\n{reply}")


def check_steered(name, port, address, datacenter):
    option = dns.edns.ECSOption(address, 24)
    reply = ask(name, port, w.STEERED_NAME, dns.query.udp, use_edns=0, options=[option])
    expect(name, reply, dns.rcode.NOERROR, set(w.POOLS[datacenter]))
    echoed = [found for found in reply.options if found.otype == dns.edns.ECS]
    if len(echoed) != 1 or (echoed[0].address, echoed[0].srclen) != (address, 24) or echoed[0].scopelen == 0:
        raise BenchError(f"{name}: no scope above 0 for {address}/24 ({datacenter}):\n{reply}")


def ask(name, port, question, transport, **options):
    try:
        return transport(dns.message.make_query(question, "A", **options), "127.0.0.1", port=port, timeout=TIMEOUT_S)
    except (dns.exception.DNSException, OSError) as error:
        raise BenchError(f"{name}: no reply for {question}: {error!r}") from error


def expect(name, reply, rcode, addresses):
    found = {record.address for record_set in reply.answer for record in record_set
             if record_set.rdtype == dns.rdatatype.A}
    authoritative = bool(reply.flags & dns.flags.AA)
    if reply.rcode() != rcode or found != addresses or not authoritative or reply.flags & dns.flags.TC:
        raise BenchError(f"{name}: expected an authoritative {dns.rcode.to_text(rcode)} with {sorted(addresses)}, "
                         f"found:\n{reply}")
