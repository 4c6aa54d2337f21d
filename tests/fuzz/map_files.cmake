meridian_fuzz(map_files DEPS meridian::config)
