meridian_fuzz(networks_file DEPS meridian::config)
