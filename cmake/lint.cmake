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
  # Clang cannot read the precompiled headers of g++, and does without.
  set(tidy_commands ${PROJECT_BINARY_DIR}/tidy/compile_commands.json)
  add_custom_target(tidy
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/tidy
    COMMAND ${CMAKE_COMMAND} -E copy ${PROJECT_BINARY_DIR}/compile_commands.json ${tidy_commands}
    COMMAND sed -i -E "s/ -Winvalid-pch -include [^ ]+| -fpch-preprocess//g" ${tidy_commands}
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
