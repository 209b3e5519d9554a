# What `cmake --install` copies: the libraries with their headers and CMake package, the LibTorch part, the command. docs/library.md describes it.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Placer)

get_property(libraries GLOBAL PROPERTY PLACER_LIBRARIES)
list(FILTER libraries EXCLUDE REGEX "experiments")  # the command's own, with JSON types in its headers
install(TARGETS ${libraries} EXPORT PlacerTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT PlacerTargets NAMESPACE Placer:: DESTINATION ${package_dir})

# proto_file.h and message_pipe.h speak of protobuf's messages, detail/ is private, runner/torch belongs to the worker.
foreach(folder graphs cost_model runner policy placer)
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/placer
          FILES_MATCHING PATTERN "*.h" PATTERN "detail" EXCLUDE PATTERN "c_api" EXCLUDE PATTERN "torch" EXCLUDE PATTERN "samples" EXCLUDE PATTERN "zoo" EXCLUDE PATTERN "proto_file.h" EXCLUDE PATTERN "message_pipe.h" EXCLUDE)
endforeach()

if(TARGET placer_c)
  install(TARGETS placer_c EXPORT PlacerCTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT PlacerCTargets NAMESPACE Placer:: DESTINATION ${package_dir})
  install(FILES placer/c_api/placer.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  file(RELATIVE_PATH PLACER_PREFIX_FROM_PKGCONFIG /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  configure_file(cmake/placer.pc.in ${PROJECT_BINARY_DIR}/placer.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/placer.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
if(TARGET placer_policy_torch)
  install(TARGETS placer_policy_torch LIBRARY DESTINATION ${PLACER_PLUGIN_DIR})
endif()
if(TARGET placer_worker)  # reads and executes TorchScript models in a process of its own
  install(TARGETS placer_worker RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET placer)
  set_target_properties(placer PROPERTIES INSTALL_RPATH "$ORIGIN/${PLACER_PLUGIN_FROM_BIN}")
  install(TARGETS placer RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

configure_package_config_file(cmake/PlacerConfig.cmake.in ${PROJECT_BINARY_DIR}/PlacerConfig.cmake INSTALL_DESTINATION ${package_dir}
                              NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/PlacerConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/PlacerConfig.cmake ${PROJECT_BINARY_DIR}/PlacerConfigVersion.cmake cmake/FindScotch.cmake
        DESTINATION ${package_dir})
