# Flags and helpers shared by the folders. One library per folder; the folders form a DAG, which target_link_libraries enforces.

add_library(placer_warnings INTERFACE)
target_compile_options(placer_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wno-missing-field-initializers
                                                 # GCC 12 sees an overlap in any `"text" + std::string` at -O2 and above (GCC bug 105651).
                                                 $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
                                                 $<$<BOOL:${PLACER_WERROR}>:-Werror>)

# A fused multiply-add would round differently from machine to machine.
add_compile_options(-ffp-contract=off)

if(PLACER_SANITIZE)
  add_compile_options(-fsanitize=${PLACER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PLACER_SANITIZE})
endif()
if(PLACER_SANITIZE MATCHES thread)
  # Stands in for TBB's headers; the reason is written there.
  foreach(header parallel_for enumerable_thread_specific task_arena)
    foreach(folder tbb oneapi/tbb)
      file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/tsan/${folder}/${header}.h
           CONTENT "#include \"${PROJECT_SOURCE_DIR}/tests/support/threads_for_tbb.h\"\n")
    endforeach()
  endforeach()
  include_directories(SYSTEM ${PROJECT_BINARY_DIR}/tsan)
endif()

# placer_add_library(name SOURCES ... DEPS ... PRIVATE_DEPS ...)
function(placer_add_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(placer_${name} STATIC ${A_SOURCES})
  add_library(placer::${name} ALIAS placer_${name})
  target_compile_features(placer_${name} PUBLIC cxx_std_20)
  target_include_directories(placer_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/placer>)
  # Header-only: nothing that a user of the installed library would have to link.
  list(TRANSFORM A_PRIVATE_DEPS REPLACE "^(nlohmann_json::nlohmann_json)$" "$<BUILD_INTERFACE:\\1>")
  target_link_libraries(placer_${name} PUBLIC ${A_DEPS} PRIVATE ${A_PRIVATE_DEPS} $<BUILD_INTERFACE:placer_warnings>)
  set_target_properties(placer_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY PLACER_LIBRARIES placer_${name})  # PlacerInstall.cmake reads it
endfunction()

# placer_add_protos(target file.proto ...): generated headers are included as "folder/name.pb.h", from .cc files only.
function(placer_add_protos name)
  add_library(placer_${name} STATIC)
  target_include_directories(placer_${name} SYSTEM PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>)
  foreach(proto ${ARGN})
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${proto})
    string(REGEX REPLACE "\\.proto$" "" stem ${relative})
    set(out ${PROJECT_BINARY_DIR}/generated/${stem})
    add_custom_command(
      OUTPUT ${out}.pb.cc ${out}.pb.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/generated
      COMMAND protobuf::protoc --proto_path=${PROJECT_SOURCE_DIR} --cpp_out=${PROJECT_BINARY_DIR}/generated ${relative}
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto})
    target_sources(placer_${name} PRIVATE ${out}.pb.cc ${out}.pb.h)
  endforeach()
  target_link_libraries(placer_${name} PUBLIC protobuf::libprotobuf)
  set_target_properties(placer_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY PLACER_LIBRARIES placer_${name})
endfunction()

# placer_add_test(name SOURCES ... DEPS ...): a GoogleTest executable tests/<folder>.
function(placer_add_test name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_DEPS} GTest::gmock_main placer_warnings)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data"
                                             SAMPLES_DIR="${PROJECT_SOURCE_DIR}/graphs/samples"
                                             BINARY_DIR="${CMAKE_BINARY_DIR}/bin")
  # Parameters as they print may hold addresses, and so differ from run to run: tests are named by index or by their own names.
  gtest_discover_tests(${name} NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()
