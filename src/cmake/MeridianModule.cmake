# One INTERFACE target carries the warnings and the hardening of every target we compile. Sanitizers make g++ 12 see null
# pointers inside the standard library, so that warning is for plain builds.
add_library(meridian_flags INTERFACE)
target_compile_options(meridian_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Wformat=2
  -fstack-protector-strong -fno-omit-frame-pointer)
if(NOT MERIDIAN_SANITIZE)
  target_compile_options(meridian_flags INTERFACE -Wnull-dereference)
endif()
target_compile_definitions(meridian_flags INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
target_link_options(meridian_flags INTERFACE -Wl,-z,relro,-z,now)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()

if(MERIDIAN_SANITIZE)
  add_compile_options(-fsanitize=${MERIDIAN_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MERIDIAN_SANITIZE})
  if(MERIDIAN_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # g++ says that fences inside Asio are not instrumented
  endif()
endif()

set(MERIDIAN_CODE_DIR ${CMAKE_SOURCE_DIR}/src)

# meridian_module(dns SOURCES a.cpp HEADERS a.hpp DEPS meridian::base LINKS PkgConfig::x)
#
# Makes meridian_dns, alias meridian::dns. Headers are included as "dns/a.hpp". DEPS are other
# modules, LINKS are libraries; tests/tidy checks that includes follow DEPS.
function(meridian_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;DEPS;LINKS" ${ARGN})
  add_library(meridian_${name} STATIC ${arg_SOURCES})
  add_library(meridian::${name} ALIAS meridian_${name})
  # src/dns/name.hpp is "dns/name.hpp"; geo/place.hpp is "geo/place.hpp".
  cmake_path(IS_PREFIX MERIDIAN_CODE_DIR ${CMAKE_CURRENT_SOURCE_DIR} in_src)
  set(root ${CMAKE_SOURCE_DIR})
  if(in_src)
    set(root ${CMAKE_SOURCE_DIR}/src)
  endif()
  target_sources(meridian_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${root} FILES ${arg_HEADERS})
  target_link_libraries(meridian_${name} PUBLIC ${arg_DEPS} ${arg_LINKS} PRIVATE meridian_flags)
endfunction()

# meridian_program(meridiand SOURCES main.cpp DEPS meridian::net)
function(meridian_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} ${arg_LINKS} meridian_flags)
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${name})
endfunction()
