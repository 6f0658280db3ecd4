# SPDX-License-Identifier: MIT
# Precompiled headers: up to half of the time that a small file takes to compile goes into the
# headers of others.  Ours are not precompiled: a change of one would compile everything again.
# No file may depend on them.
if(NOT IOMMUCHECK_PRECOMPILED_HEADERS)
  return()
endif()

# Who reads a header that he does not need pays for it, too: the compiler instantiates what its
# inline functions use.  So no <filesystem>, no <chrono> and no JSON here.
set(standard_headers <algorithm> <array> <cstdint> <cstring> <functional> <map> <memory> <optional>
  <set> <span> <stdexcept> <string> <string_view> <utility> <vector> <fmt/format.h>)

# ccache asks the preprocessor what a file consists of: then that must name the precompiled header.
target_compile_options(iommucheck_flags INTERFACE -fpch-preprocess)

# precompile(NAME LEVEL HEADER...): the standard headers and these, for what is compiled at exactly
# this level of optimisation: gcc would do some of its work at the level of the headers.
set(source ${PROJECT_BINARY_DIR}/precompiled/nothing.cc)
file(GENERATE OUTPUT ${source} CONTENT "// A target with precompiled headers needs a source.\n")
function(precompile name level)
  add_library(precompiled_${name} OBJECT ${source})
  target_compile_options(precompiled_${name} PRIVATE $<$<NOT:$<CONFIG:Debug>>:${level}>)
  target_link_libraries(precompiled_${name} PRIVATE iommucheck_flags)
  if(name MATCHES "^tests")
    target_link_libraries(precompiled_${name} PRIVATE GTest::gtest)
  endif()
  target_precompile_headers(precompiled_${name} PRIVATE ${standard_headers} ${ARGN})
endfunction()
precompile(plain_O2 -O2)
precompile(plain_O1 -O1)
precompile(tests_O1 -O1 <gtest/gtest.h>)
precompile(tests_O0 -O0 <gtest/gtest.h>)

# use_precompiled(DIRECTORY): all targets of the directory and of those below it.
function(use_precompiled directory)
  set(kind plain)
  if(directory MATCHES "^tests(/|$)")
    set(kind tests)
  endif()
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(options ${target} COMPILE_OPTIONS)
    # A sanitizer of its own defines macros that the headers were compiled without.
    if(NOT type MATCHES "^(STATIC_LIBRARY|OBJECT_LIBRARY|EXECUTABLE)$" OR
        options MATCHES "-fsanitize=")
      continue()
    endif()
    set(level O2)
    if(options MATCHES "-(O[01])")
      set(level ${CMAKE_MATCH_1})
    endif()
    target_precompile_headers(${target} REUSE_FROM precompiled_${kind}_${level})
    if(kind MATCHES "^tests")
      # The helpers of tests do not link GoogleTest, with which macros come.
      target_compile_options(${target} PRIVATE
        $<TARGET_PROPERTY:GTest::gtest,INTERFACE_COMPILE_OPTIONS>)
    endif()
  endforeach()
  get_property(below DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(path IN LISTS below)
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${path})
    use_precompiled(${path})
  endforeach()
endfunction()
foreach(directory core spec model checker impl conformance proofs cli tests bench)
  use_precompiled(${directory})
endforeach()
