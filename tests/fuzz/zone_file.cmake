meridian_fuzz(zone_file DEPS meridian::zone)
