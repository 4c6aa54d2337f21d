# The Debian package: one deb a component, with the default configuration as conffiles.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "Meridian maintainers <maintainers@meridian.example>")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
include(CPack)
