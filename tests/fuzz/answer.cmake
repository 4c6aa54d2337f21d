# A packet through the whole of answer_query: the zones and services are those of the protocol battery.
meridian_fuzz(answer
  SOURCES ${CMAKE_SOURCE_DIR}/tests/support/map_fixture.cpp ${CMAKE_SOURCE_DIR}/tests/support/mmdb_writer.cpp
  DEPS meridian::compile)
set_source_files_properties(answer_fuzz.cpp PROPERTIES COMPILE_DEFINITIONS
  "MERIDIAN_BATTERY_MAP=\"${CMAKE_SOURCE_DIR}/tests/e2e/protocol/map\";MERIDIAN_DATA=\"${CMAKE_BINARY_DIR}/share/meridian\"")
foreach(program fuzz_answer replay_answer)
  if(TARGET ${program})
    add_dependencies(${program} geo_data)
  endif()
endforeach()
