# The writer's source, not its library: a fuzzing build has no tests/support.
meridian_fuzz(mmdb SOURCES ${CMAKE_SOURCE_DIR}/tests/support/mmdb_writer.cpp DEPS meridian::geo)
