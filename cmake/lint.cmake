# SPDX-License-Identifier: MIT
# Targets for who changes the code:
#   lint    licence lines, stray paths, formatting (fast; also tests, see tests/tools)
#   format  lets clang-format rewrite what is not formatted
#   tidy    clang-tidy on everything that is compiled (slow)
add_custom_target(lint
  COMMAND bash ${PROJECT_SOURCE_DIR}/tests/tools/lint all
  USES_TERMINAL VERBATIM COMMENT "lint")
add_custom_target(format
  COMMAND bash ${PROJECT_SOURCE_DIR}/tests/tools/lint --fix format
  USES_TERMINAL VERBATIM COMMENT "clang-format")

find_program(RUN_CLANG_TIDY NAMES run-clang-tidy-14 run-clang-tidy)
if(RUN_CLANG_TIDY)
  # The files of compile_commands.json that are ours and C++ (the C is the kernel's dialect).
  string(REGEX REPLACE "([][+.*()^$?|{}\\])" "\\\\\\1" tidy_root "${PROJECT_SOURCE_DIR}")
  # A configuration of its own, which is not built: here several files are compiled as one, with
  # headers that clang cannot read.
  add_custom_target(tidy
    COMMAND ${CMAKE_COMMAND} -S ${PROJECT_SOURCE_DIR} -B ${PROJECT_BINARY_DIR}/tidy -G Ninja
      -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}
      -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} -DIOMMUCHECK_UNITY_BUILD=OFF
      -DIOMMUCHECK_PRECOMPILED_HEADERS=OFF
    COMMAND ${RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR}/tidy
      -extra-arg=-Wno-unknown-warning-option -extra-arg=-Wno-unused-command-line-argument
      "^${tidy_root}/(core|spec|model|checker|impl|conformance|proofs|cli|tests|bench)/.*\\.cc$"
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    USES_TERMINAL VERBATIM COMMENT "clang-tidy")
else()
  add_custom_target(tidy
    COMMAND ${CMAKE_COMMAND} -E echo "tidy: clang-tidy is not installed: apt-get install clang-tidy"
    COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
endif()
