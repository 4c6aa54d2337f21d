meridian_fuzz(bgp_link DEPS meridian::bgp_link)
meridian_fuzz(exabgp_reply DEPS meridian::bgp_bridge)
