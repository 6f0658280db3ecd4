// SPDX-License-Identifier: MIT
// Compiles files as the user's kernel would, for a program of ours.
#ifndef IOMMUCHECK_IMPL_LINUX_COMPILATION_H
#define IOMMUCHECK_IMPL_LINUX_COMPILATION_H

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "impl/linux/cache.h"
#include "impl/linux/prepare.h"

namespace iommucheck::linux_harness {

struct Compilation {
  std::string source;  ///< for messages
  std::vector<std::string> command;
};

bool exists_in(const SourceTree& tree, const std::string& file);

/// Compiles `source` as the kernel's Makefiles would compile `flags_of`, with `flags` added.
Compilation kernel_job(const KernelBuild& build, const std::string& flags_of,
                       const std::string& source, const std::filesystem::path& object,
                       const std::vector<std::string>& flags);

/// Throws HarnessError with the compiler's words.
void compile(const KernelBuild& build, const Compilation& job);
/// Two at a time: enough for the few files there are.
void compile_all(const KernelBuild& build, const std::vector<Compilation>& jobs);

/// FOLDER/NAME.o for .../NAME.c.
std::filesystem::path object_in(const std::filesystem::path& folder, const std::string& source);

/// The names in the linker's "undefined reference to `X'", without our own.
std::set<std::string> undefined_symbols(const std::string& output);
/// The C text of a table of the names, each with pages that nobody may touch; see glue/boot.c.
std::string traps(const std::set<std::string>& names);
/// Keeps those names beside a runner, and reads them again.
void write_unmodelled(const std::filesystem::path& folder, const std::set<std::string>& names);
std::vector<std::string> read_unmodelled(const std::filesystem::path& folder);

/// A file of the tree and the headers beside it; those under include/ are in the build's key.
void add_with_headers(Digest& digest, const SourceTree& tree, const std::string& file);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_COMPILATION_H
