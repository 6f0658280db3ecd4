// SPDX-License-Identifier: MIT
// Mutants: a C file of the user's kernel with one synchronisation mistake planted.
//
// They are derived from the text when they are asked for; no kernel line is stored here.  Lines
// keep their numbers, so that a report on a mutant names the line of the original.
#ifndef IOMMUCHECK_IMPL_LINUX_MUTANTS_H
#define IOMMUCHECK_IMPL_LINUX_MUTANTS_H

#include <string>
#include <string_view>
#include <vector>

namespace iommucheck::linux_harness {

struct Mutant {
  /// drop-lock: a function takes and releases a lock no more.  early-unlock: the last statement of
  /// a critical section runs without the lock.  drop-reader: a function is no RCU reader any more.
  /// no-grace-period: kfree_rcu() becomes kfree().  drop-synchronize: synchronize_rcu() goes.
  /// early-publication: a statement that publishes moves before the one in front of it.
  /// drop-increment: a count is not incremented.  drop-cleanup: a free, put or erase goes.
  /// plain-publication: rcu_assign_pointer() becomes a plain store.
  std::string kind;
  unsigned line = 0;            ///< of the first change
  std::string function;         ///< in which it is
  std::string change;           ///< the statement that is concerned
  std::string text;             ///< the whole file
  std::vector<unsigned> lines;  ///< all that differ from the original's
};

/// In the order of the file.  The text has to be in the kernel's coding style: a function's name
/// and its closing brace begin in the first column, statements end with ";".
std::vector<Mutant> derive_mutants(std::string_view text);

/// The text with a mark before each line that a mutant changes: Exploration::covered has the
/// numbers of those that have run.  It behaves as before, and keeps its lines.
std::string with_marks(std::string_view text, const std::vector<Mutant>& mutants);

/// All kinds, for reports on those that no line fits.
const std::vector<std::string>& mutant_kinds();

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_MUTANTS_H
