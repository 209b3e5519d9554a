# Scotch::scotch, the graph partitioner. Debian's libscotch-dev brings no package file. Installed with PlacerConfig.cmake, which needs it too.
# scotcherr reports errors and returns; its sister scotcherrexit would end the process.
find_path(SCOTCH_INCLUDE_DIR scotch.h PATH_SUFFIXES scotch)
find_library(SCOTCH_LIBRARY scotch)
find_library(SCOTCHERR_LIBRARY scotcherr)
mark_as_advanced(SCOTCH_INCLUDE_DIR SCOTCH_LIBRARY SCOTCHERR_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Scotch REQUIRED_VARS SCOTCH_LIBRARY SCOTCHERR_LIBRARY SCOTCH_INCLUDE_DIR)

if(Scotch_FOUND AND NOT TARGET Scotch::scotch)
  add_library(Scotch::scotch INTERFACE IMPORTED)
  set_target_properties(Scotch::scotch PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${SCOTCH_INCLUDE_DIR}"
                                                  INTERFACE_LINK_LIBRARIES "${SCOTCH_LIBRARY};${SCOTCHERR_LIBRARY}")
  set_property(TARGET Scotch::scotch APPEND PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${SCOTCH_INCLUDE_DIR}")
endif()
