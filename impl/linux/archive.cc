// SPDX-License-Identifier: MIT
// Files of the build that the program carries along: see CMakeLists.txt.
#include "impl/linux/scheduled_runner.h"

#define KH_EMBED(symbol, path)                                                \
  __asm__(".section .rodata\n.balign 16\n.global " #symbol "_begin\n" #symbol \
          "_begin: .incbin \"" path "\"\n.global " #symbol "_end\n" #symbol   \
          "_end:\n"                                                           \
          ".byte 0\n.previous\n");                                            \
  extern "C" const char symbol##_begin[], symbol##_end[];

KH_EMBED(kh_embedded_barriers, KH_BARRIERS)
#ifdef KH_ARCHIVE
KH_EMBED(kh_embedded_archive, KH_ARCHIVE)
#endif

namespace iommucheck::linux_harness {

std::string_view scheduled_barriers() {
  return {kh_embedded_barriers_begin,
          static_cast<std::size_t>(kh_embedded_barriers_end - kh_embedded_barriers_begin)};
}

std::string_view scheduled_archive() {
#ifdef KH_ARCHIVE
  return {kh_embedded_archive_begin,
          static_cast<std::size_t>(kh_embedded_archive_end - kh_embedded_archive_begin)};
#else
  return {};
#endif
}

}  // namespace iommucheck::linux_harness
